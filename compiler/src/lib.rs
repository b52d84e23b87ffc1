//! x
pub mod ir;
