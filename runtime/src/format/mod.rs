//! Data to text, in DTrace's layouts.
//!
//! In: [`Data`] and the manifest's formats. Out: text appended to a string. Widths and
//! blanks are DTrace's to the column, since scripts and people parse them.

pub mod print;
pub mod printf;
pub mod quantize;
pub mod stack;
pub(crate) mod time;
pub mod typed;

use crate::symbolize::Symbolizer;

/// What formatting needs besides the data.
pub struct Surroundings<'a> {
    /// Names for addresses.
    pub symbols: &'a mut dyn Symbolizer,
    /// Columns before each frame of a stack.
    pub stack_indent: usize,
    /// Show user addresses as they are.
    pub noresolve: bool,
    /// The process that a user address is in that doesn't say; 0: none is known.
    pub target: u64,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Surroundings(indent {})", self.stack_indent)
    }
}

/// Bytes as text, from which [`crate::output`] makes the same bytes.
pub(crate) use strand_compiler::bytes::to_text;
