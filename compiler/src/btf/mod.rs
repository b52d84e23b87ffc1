//! BTF, the kernel's own type information: read here, written for our objects.
//!
//! In: the bytes of a `.BTF` section. Out: [`Btf`], which finds types by name and
//! shows each as a [`BtfType`]; nothing is copied until it is asked for. The other way
//! round, [`write::BtfBuilder`] makes such bytes.

pub mod declare;
pub mod excerpt;
mod find;
pub mod print;
mod read;
#[cfg(test)]
mod tests;
pub mod write;

pub use read::{Btf, BtfError, BtfKind, BtfMember, BtfType};
