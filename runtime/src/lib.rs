//! x
pub mod feature;
pub mod kernel;
pub mod probe;
pub mod process;
pub mod provider;
pub mod symbols;
pub mod tracefs;
