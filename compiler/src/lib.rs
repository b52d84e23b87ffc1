//! x
pub mod bpf;
pub mod btf;
pub mod ir;
pub mod kernel;
pub mod manifest;
