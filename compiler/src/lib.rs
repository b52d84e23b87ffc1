//! x
pub mod bpf;
pub mod btf;
pub mod buckets;
pub mod builtins;
pub mod check;
pub mod fixture;
pub mod ir;
pub mod kernel;
pub mod lower;
pub mod manifest;
pub mod object;
pub mod options;
pub mod typed;
pub mod types;
