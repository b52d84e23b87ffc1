//! What the caller may set for a compilation.
//!
//! In: `-x` and `#pragma D option` values that the runtime has parsed. Out: read by
//! `check` and `lower`. Decides the defaults, which are DTrace's.

use strand_grammar::stability::Attributes;

/// Options that change what is compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a string with its NUL.
    pub strsize: u32,
    /// Bytes for all aggregations of one CPU.
    pub aggsize: u64,
    /// Bytes for associative arrays and thread-locals.
    pub dynvarsize: u64,
    /// Bytes of the record buffer.
    pub bufsize: u64,
    /// Bytes that a clause can allocate: `alloca()`, `copyin()`.
    pub scratchsize: u32,
    /// Speculations at a time.
    pub nspec: u32,
    /// Bytes of one speculation.
    pub specsize: u64,
    /// Frames of `stack()`.
    pub stackframes: u32,
    /// Frames of `ustack()`.
    pub ustackframes: u32,
    /// Bytes of the user stack that `ustack()` copies into a record, to be unwound.
    pub ustackcopy: u32,
    /// Most frames of either, whatever is asked for.
    pub maxframes: u32,
    /// Probes that match nothing are no error (`-Z`).
    pub zdefs: bool,
    /// Destructive actions are allowed (`-w`).
    pub destructive: bool,
    /// Turns that a `for` or `while` may take.
    pub loopmax: u32,
    /// Only what DTrace has: extensions are errors.
    pub strict: bool,
    /// No default output.
    pub quiet: bool,
    /// Bytes of a value that `print()` shows.
    pub printsize: u32,
    /// Bytes of a packet that `pcap()` takes.
    pub pcapsize: u32,
    /// What is less stable than this is an error.
    pub least_stable: Option<Attributes>,
    /// Kernel symbols are errors: they are neither to be looked up (`linkmode=dynamic`) nor
    /// to be left open (`kdefs`).
    pub no_symbols: bool,
    /// The object is for other kernels, too: what differs between them is no constant.
    pub portable: bool,
    /// The object is only for the kernel compiled against, and needs no relocations.
    pub resolved: bool,
    /// The only processor to trace on.
    pub cpu: Option<u32>,
    /// What each pass makes of the program is wanted, too.
    pub keep_passes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            strsize: 257,
            aggsize: 4 << 20,
            dynvarsize: 1 << 20,
            bufsize: 4 << 20,
            scratchsize: 4096,
            nspec: 1,
            specsize: 4 << 20,
            stackframes: 20,
            ustackframes: 100,
            ustackcopy: 0,
            maxframes: u32::MAX,
            zdefs: false,
            destructive: false,
            loopmax: 1 << 16,
            strict: false,
            quiet: false,
            printsize: 8192,
            pcapsize: 1514,
            least_stable: None,
            no_symbols: false,
            portable: false,
            resolved: false,
            cpu: None,
            keep_passes: false,
        }
    }
}
