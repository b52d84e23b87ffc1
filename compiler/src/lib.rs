//! x
pub mod bpf;
pub mod ir;
