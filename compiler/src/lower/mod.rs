//! Typed clauses to IR, records and maps.
//!
//! In: a [`typed::Program`]. Out: an [`ir::Module`] and the [`Manifest`]. Decides how
//! D's meaning is reached with BPF: which maps there are, how records are laid out,
//! what happens on a fault.
//!
//! One enabling becomes one program: a test of the tracing state, then its clauses in
//! program order, each behind its predicate, and behind them one block to which every
//! fault of the function goes (`fault`). Bodies of `for` and `while` become bpf_loop
//! callbacks with a frame of shared state (`loops`). Everything else is a walk over
//! statements (`clause`) and expressions (`expr`).

mod aggregation;
mod args;
mod clause;
mod context;
mod effect;
mod expr;
mod fault;
mod layout;
mod loops;
mod offsets;
mod place;
mod print;
mod program;
mod record;
mod scratch;
mod strings;
mod trusted;
mod unit;
mod variable;

pub use context::{Context, Firing, Operand, Text};

use crate::ir;
use crate::kernel::Kernel;
use crate::manifest::Manifest;
use crate::options::Options;
use crate::typed;
use strand_grammar::source::Sources;

/// The most bytes that the kernel keeps for a thread (its own header takes some of 64 KiB).
pub const THREAD_LIMIT: u32 = 65_400;

/// The size of a thread's variables, if that is more than a thread can have.
pub fn thread_overflow(module: &ir::Module) -> Option<u32> {
    let storage = module.maps.iter().find(|m| m.kind == ir::MapKind::TaskStorage)?;
    storage.value.as_ref().map(|v| v.size).filter(|size| *size > THREAD_LIMIT)
}

/// Lowers a program; it was checked, so this can't fail.
pub fn lower(
    program: &typed::Program,
    sources: &Sources,
    kernel: &dyn Kernel,
    options: &Options,
) -> (ir::Module, Manifest) {
    let mut unit = unit::Unit::new(program, kernel, options, sources);
    program::lower_all(&mut unit);
    (unit.module, unit.manifest)
}

#[cfg(test)]
mod tests;
