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
mod call_args;
mod clause;
mod context;
mod copied;
mod current;
mod effect;
mod exclusive;
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
mod short;
mod speculation;
mod strings;
mod syscall;
mod trusted;
mod unit;
mod variable;

pub use context::{COMM, Column, Context, Firing, Operand, Text};

use crate::btf::{Btf, BtfKind};
use crate::ir;
use crate::kernel::Kernel;
use crate::manifest::Manifest;
use crate::options::Options;
use crate::typed;
use strand_grammar::source::Sources;

/// Thread-local variables that are larger than what the kernel keeps for a thread.
pub struct ThreadOverflow {
    /// Bytes that they take.
    pub size: u32,
    /// Bytes that a thread can have.
    pub limit: u32,
}

/// Whether a program's thread-local variables are too large, and by how much.
///
/// The kernel's own header takes some of 64 KiB. Kernels whose allocator takes no lock (6.19
/// and later) give what one slab object holds, and would drop each value at run time.
pub fn thread_overflow(module: &ir::Module, kernel: &dyn Kernel) -> Option<ThreadOverflow> {
    const HEADER: u32 = 128;
    const SLAB_OBJECT: u32 = 8192 - HEADER;
    const LARGEST: u32 = 65_536 - HEADER;
    let storage = module.maps.iter().find(|m| m.kind == ir::MapKind::TaskStorage)?;
    let size = storage.value.as_ref()?.size;
    let limit = match size {
        0..=SLAB_OBJECT => return None,
        _ if kernel.btf().is_some_and(|btf| storage_is_of_slab(&btf)) => SLAB_OBJECT,
        _ => LARGEST,
    };
    (size > limit).then_some(ThreadOverflow { size, limit })
}

/// Whether the kernel takes what it keeps for a thread from kmalloc_nolock.
fn storage_is_of_slab(btf: &Btf) -> bool {
    let Some(map) = btf.find("bpf_local_storage_map", |k| k == BtfKind::Struct) else {
        return false;
    };
    // At first a map says which allocator it has; later there is but one.
    let has = |member| btf.members(map).iter().any(|m| m.name == member);
    let allocates = btf.find("bpf_map_kmalloc_nolock", |k| k == BtfKind::Function).is_some();
    has("use_kmalloc_nolock") || (allocates && !has("bpf_ma"))
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
