//! What tests of the IR and of the back end share.
//!
//! In: programs that [`generate`] makes from [`random`] statements, valid by construction.
//! Out: what they do to a [`world::World`], by an interpreter of the IR here and by one
//! of BPF instructions in `bpf`: the two must agree. The kernel takes them, too.

pub mod generate;
pub mod interpret;
pub mod random;
pub mod world;
