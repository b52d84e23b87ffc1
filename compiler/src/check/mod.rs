//! Syntax to typed clauses.
//!
//! In: the syntax tree of the script and of the standard library, a kernel, options.
//! Out: a [`typed::Program`] and diagnostics. Decides what every name, type, probe and
//! conversion means, and refuses what D refuses.
