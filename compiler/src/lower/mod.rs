//! Typed clauses to IR, records and maps.
//!
//! In: a [`crate::typed::Program`]. Out: an [`crate::ir::Module`] and the manifest.
//! Decides how D's meaning is reached with BPF: which maps there are, how records are
//! laid out, what happens on a fault.

/// What an expression lowers to.
#[derive(Debug)]
pub struct Operand;
/// Where lowering is.
#[derive(Debug)]
pub struct Context;
