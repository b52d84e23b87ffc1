//! What the runtime needs to know to load, attach and print: the manifest.
//!
//! In: made by lowering. Out: travels as JSON in the object's `.strand.manifest`
//! section, so that a compiled script needs no source beside it. Decides the layout
//! of every record that crosses the ring buffer, and the meaning of every map.

pub mod copied;

use crate::kernel::Attach;
use serde::{Deserialize, Serialize};

/// Name of the ELF section that holds it.
pub const SECTION: &str = ".strand.manifest";

/// The manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this format; see [`VERSION`].
    pub version: u32,
    /// Programs in the object.
    pub programs: Vec<Program>,
    /// Every probe that is enabled.
    pub probes: Vec<Probe>,
    /// Clauses in program order; records refer to them.
    pub clauses: Vec<Clause>,
    /// Record layouts; the first word of a record is an index here (or [`FAULT_RECORD`]).
    pub records: Vec<Record>,
    /// Types of what `print()` shows, and of all that is inside them.
    pub types: Vec<TypeLayout>,
    /// Places that can fault, by the index that a fault record carries.
    pub faults: Vec<FaultSite>,
    /// Aggregations in order of first use.
    pub aggregations: Vec<Aggregation>,
    /// Maps with a meaning; absent if the program doesn't use them.
    pub maps: Maps,
    /// `#pragma D option`s with their values, in order.
    pub options: Vec<(String, Option<String>)>,
    /// Size of strings in records.
    pub strsize: u32,
    /// Bits of speculations' ids.
    #[serde(default)]
    pub speculation_bits: u32,
    /// Where in `.bss` the counters of drops are, if anything can be lost.
    #[serde(default)]
    pub drops: Option<u32>,
    /// The table of processors, if the program looks at it.
    #[serde(default)]
    pub processors: Option<Processors>,
    /// Macros that are taken when the program runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub macros: Vec<Macro>,
    /// What the runtime needs to do without the source; only of what was built to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
}

/// A macro whose value the runtime writes to read-only data before it loads the program; or the
/// address of a kernel's symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Macro {
    /// As written: `$1`, `$$1`, `$target`; `` `symbol ``, ``module`symbol``.
    pub name: String,
    /// Where in `.rodata`.
    pub offset: u32,
    /// Bytes: 8 for a number; those of text count its NUL.
    pub size: u32,
    /// What is written there, in this run.
    #[serde(skip)]
    pub value: Vec<u8>,
}

impl Macro {
    /// Whether it is text.
    pub fn is_text(&self) -> bool {
        self.name.starts_with("$$")
    }

    /// The symbol of the kernel that it is, if it is one, and its module.
    pub fn symbol(&self) -> Option<(Option<&str>, &str)> {
        let (module, name) = self.name.split_once('`')?;
        Some((Some(module).filter(|m| !m.is_empty()), name))
    }

    /// Which argument it is, if it is one.
    pub fn argument(&self) -> Option<usize> {
        self.name.trim_start_matches('$').parse().ok()
    }
}

/// What is known of a script when it is compiled, for when it runs without its source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Its file.
    pub name: String,
    /// What it says of itself in its leading comment.
    pub about: String,
    /// `name` or `name=value`: options it was built with.
    pub given: Vec<String>,
    /// Likewise those that it sets itself.
    pub pragmas: Vec<String>,
    /// Its probe descriptions, with the probes that each matched.
    pub descriptions: Vec<(String, Vec<u32>)>,
    /// What tracing begins with: how many probes were matched.
    pub matched: Vec<String>,
    /// Destructive actions, with their places.
    pub destructive: Vec<String>,
    /// Programs and libraries whose places it knows.
    pub files: Vec<KnownFile>,
    /// Arguments that were given when it was built.
    pub args: usize,
    /// The release of the kernel that it was built on.
    pub release: String,
    /// What programs read of events with types.
    pub reads: Vec<Reads>,
}

/// Words of its event's context that a program reads, and of which types they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// The program's name.
    pub program: String,
    /// By the word's number.
    pub words: Vec<(usize, String)>,
}

/// A file as it was when probes were found in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFile {
    /// Where it is.
    pub path: String,
    /// Its bytes.
    pub size: u64,
    /// A hash of them.
    pub hash: u64,
}

impl Manifest {
    /// A probe's description.
    pub fn description(&self, id: u32) -> Option<String> {
        let p = self.probes.iter().find(|p| p.id == id)?;
        Some(format!("{}:{}:{}:{}", p.provider, p.module, p.function, p.name))
    }
}

/// A table of processors in `.bss`, which the runtime fills before BEGIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processors {
    /// Where it begins.
    pub offset: u32,
    /// How many it has, by CPU number.
    pub count: u32,
}

/// Bytes of a processor: as i32, its number, its set (always 0), its chip, its NUMA node.
pub const PROCESSOR_SIZE: u32 = 16;

/// The version of the manifest's format.
pub const VERSION: u32 = 7;

/// One BPF program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// Its ELF symbol.
    pub name: String,
    /// Where it attaches. Several for a program that serves many probes of one kind
    /// (one that dispatches system calls attaches once; see `dispatch`).
    pub attach: Vec<Attach>,
    /// How the program finds out which probe fired, if it serves several.
    pub probes: Vec<u32>,
    /// What it puts into the ring buffer.
    pub volume: Volume,
}

impl Program {
    /// One that nobody knows the code of yet.
    pub fn new(name: String, attach: Vec<Attach>, probes: Vec<u32>) -> Program {
        Program { name, attach, probes, volume: Volume::default() }
    }
}

/// What a program puts into the ring buffer each time that it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// At most so many bytes; `None` if there is no bound.
    pub bytes: Option<u64>,
    /// Nothing but what tells of faults.
    pub only_faults: bool,
}

/// One enabled probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// As in records and as `id` gives it.
    pub id: u32,
    /// Provider.
    pub provider: String,
    /// Module.
    pub module: String,
    /// Function.
    pub function: String,
    /// Name.
    pub name: String,
}

/// One clause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// The script's name, or `<command line>`.
    pub file: String,
    /// 1-based.
    pub line: u32,
}

/// A place in the D program that can fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultSite {
    /// Index into [`Manifest::clauses`].
    pub clause: u32,
    /// The script's name.
    pub file: String,
    /// 1-based line of the expression.
    pub line: u32,
    /// 1-based column.
    pub column: u32,
    /// The expression's text, in one line.
    pub text: String,
}

/// The maps that the runtime knows by meaning; the names are the ELF's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Maps {
    /// Ring buffer of records.
    pub records: Option<String>,
}

/// What was lost, and why. The counters of drops are u64 words: first one for each kind, in this
/// order; then, for each of [`DROP_CPUS`] processors, [`DROPS_OF_CPU`], which only count there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Drops {
    /// The ring buffer was full.
    Principal,
    /// An aggregation's map was full or busy.
    Aggregation,
    /// An associative array or thread-local had no room.
    Dynamic,
    /// A speculation's data found no room.
    Speculation,
    /// No speculation was free.
    SpeculationUnavailable,
    /// A fault happened; its record may have been dropped.
    Faults,
    /// A fault happened inside ERROR.
    DoubleFaults,
}

/// Kinds of drops.
pub const DROPS: u32 = 7;

/// So many kinds, the first ones, are told of by processor.
pub const DROPS_OF_CPU: u32 = 2;

/// Processors that have counters of their own, a power of two; those beyond share them.
pub const DROP_CPUS: u32 = 1024;

/// Bytes of all counters of drops.
pub const DROPS_SIZE: u32 = 8 * (DROPS + DROP_CPUS * DROPS_OF_CPU);

/// `.bss` word 0 (u32): the state of tracing, which every program tests.
pub const STATE_OFFSET: u32 = 0;

/// `.bss` word 1 (i64): nanoseconds from the monotonic clock to wall-clock time, written
/// by the runtime before BEGIN.
pub const WALL_CLOCK_OFFSET: u32 = 8;

/// `.bss` word 2 (u64): counts threads that have been given a number.
pub const THREAD_COUNT_OFFSET: u32 = 16;

/// Where the program's own variables begin in `.bss`.
pub const BSS_START: u32 = 24;

/// Values of the state word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Only BEGIN may fire.
    Starting,
    /// Everything fires.
    Active,
    /// `exit()` was called or Ctrl-C came: only END fires.
    Stopping,
}

// ------------------------------------------------------------------ records

/// Every record starts with this header, all u32, little endian:
/// layout index, probe id, CPU, serial number of the speculation (0: none), of which the lowest
/// [`Manifest::speculation_bits`] are its id; of one id, the next is greater.
pub const HEADER: u32 = 16;

/// Layout index of a fault record: header, then u32 fault site, u32 fault kind
/// ([`Fault`]), u64 index of the BPF instruction in its program, u64 address or value.
pub const FAULT_RECORD: u32 = u32::MAX;

/// The kinds of faults, with the numbers of DTrace's `DTRACEFLT_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "named after DTRACEFLT_*")]
pub enum Fault {
    Unknown = 0,
    /// Bad address; value: the address.
    BadAddress = 1,
    /// Bad alignment.
    BadAlign = 2,
    /// Illegal operation.
    IllegalOp = 3,
    /// Division by zero.
    DivideByZero = 4,
    /// Out of scratch space.
    NoScratch = 5,
    /// Invalid kernel access.
    KernelPrivilege = 6,
    /// Invalid user access.
    UserPrivilege = 7,
    /// Tuple or stack overflow.
    TupleOverflow = 8,
    /// Bad user stack.
    BadStack = 9,
    /// Invalid size.
    BadSize = 10,
    /// Index out of bounds; value: the index.
    BadIndex = 11,
    /// Too long a loop (ours).
    LoopBound = 12,
}

/// One record layout: the recording actions of one straight run of a clause.
///
/// A clause without control flow around its actions has one, with both `first` and
/// `last`. With `if` or loops around actions a clause has several; what it puts out is
/// kept together until its last. If output is quiet there may be none that is `first`,
/// since there is no line to open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Index into [`Manifest::clauses`].
    pub clause: u32,
    /// Total size with the header.
    pub size: u32,
    /// The first of its clause: opens a line of default output (CPU, ID, FUNCTION:NAME).
    pub first: bool,
    /// The last of its clause: ends that line.
    pub last: bool,
    /// In order. Empty: the default action, or only opening or ending the line.
    pub actions: Vec<Action>,
}

/// A piece of data in a record or an aggregation key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Datum {
    /// From the start of the record or key.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// How to read it.
    pub kind: DatumKind,
}

/// How to read a [`Datum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DatumKind {
    /// An integer of 1, 2, 4 or 8 bytes.
    Int {
        /// Signedness.
        signed: bool,
    },
    /// A floating-point number of 4 or 8 bytes.
    Float,
    /// NUL-terminated text; all of `size` is text if there is no NUL.
    String,
    /// Raw bytes (a struct or array by value).
    Bytes,
    /// Kernel stack: u64 addresses, innermost first, ended by 0 or by the size.
    Stack,
    /// User stack: u64 tgid, then addresses.
    UserStack,
    /// The same of so many addresses, and what unwinding needs (see [`copied`]).
    CopiedStack {
        /// Addresses.
        frames: u32,
        /// Places that a probe of a return has changed.
        returns: u32,
    },
    /// A kernel address shown as a symbol.
    Symbol(SymbolKind),
    /// u64 tgid, u64 user address shown as a symbol.
    UserSymbol(SymbolKind),
}

/// How much of a symbol is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SymbolKind {
    /// `sym`, `usym`: module and symbol, no offset.
    Symbol,
    /// `func`, `ufunc`: likewise the function.
    Function,
    /// `mod`, `umod`: the module or object.
    Module,
    /// `uaddr`: symbol with offset.
    Address,
}

/// One recording action with its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// `trace(e)`
    Trace(Datum),
    /// `stack()`, `ustack()`, `sym()` … as statements: printed in their own layout.
    Show(Datum),
    /// `printf(format, …)`
    Printf {
        /// The format.
        format: Format,
        /// Arguments in order.
        args: Vec<Datum>,
    },
    /// `printa([format,] @a, …)`
    Printa {
        /// `None`: the default layout.
        format: Option<Format>,
        /// Indices into [`Manifest::aggregations`].
        aggregations: Vec<u32>,
    },
    /// `clear(@a)`
    Clear(u32),
    /// `trunc(@a[, n])`
    Trunc(u32, Option<Datum>),
    /// `normalize(@a, n)`
    Normalize(u32, Datum),
    /// `denormalize(@a)`
    Denormalize(u32),
    /// `exit(status)`
    Exit(Datum),
    /// `commit(id)`: the speculation's serial number.
    Commit(Datum),
    /// `tracemem(address, size[, used])`
    Tracemem(Datum, Option<Datum>),
    /// `print(e)`
    Print {
        /// Of what is shown, if it is shown too.
        address: Option<Datum>,
        /// What is shown; its size may be less than the type's.
        value: Datum,
        /// Index into [`Manifest::types`].
        ty: u32,
    },
    /// `system(format, …)`
    System {
        /// The format.
        format: Format,
        /// Arguments in order.
        args: Vec<Datum>,
    },
    /// `freopen(format, …)`
    Freopen {
        /// The format; without pieces: back to where output went at first.
        format: Format,
        /// Arguments in order.
        args: Vec<Datum>,
    },
    /// `ftruncate()`
    Ftruncate,
    /// `setopt(name[, value])`
    Setopt(Datum, Option<Datum>),
    /// `pcap(skb, protocol)`
    Pcap {
        /// Nanoseconds of the monotonic clock.
        time: Datum,
        /// What kind of packet it is: a link type of libpcap's.
        protocol: Datum,
        /// Bytes that the packet has (u32).
        length: Datum,
        /// Its first bytes; those beyond `length` mean nothing.
        bytes: Datum,
    },
    /// Something that the program did itself: only its line is left to print.
    Done,
}

// -------------------------------------------------------------------- types

/// A type as `print()` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeLayout {
    /// As C writes it in a cast.
    pub name: String,
    /// Bytes.
    pub size: u32,
    /// What is in them.
    pub kind: TypeKind,
}

/// What a [`TypeLayout`] is. Types within it are indices into [`Manifest::types`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeKind {
    /// An integer.
    Int {
        /// Signedness.
        signed: bool,
        /// `char`: shown as a character.
        char: bool,
    },
    /// `float` or `double`.
    Float,
    /// A pointer; what it points to is only in the name.
    Pointer,
    /// An enum.
    Enum {
        /// Signedness.
        signed: bool,
        /// Its constants.
        items: Vec<(String, i64)>,
    },
    /// A struct or union.
    Record(Vec<TypeMember>),
    /// An array.
    Array {
        /// Of these.
        element: u32,
        /// So many.
        len: u32,
    },
    /// Nothing that can be shown.
    Opaque,
}

/// A member of a [`TypeKind::Record`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeMember {
    /// Empty for anonymous structs and unions.
    pub name: String,
    /// Its type.
    pub ty: u32,
    /// From the start of the record.
    pub bit_offset: u32,
    /// Width of a bit-field.
    pub bits: Option<u8>,
}

// ------------------------------------------------------------------ formats

/// A parsed printf or printa format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Format {
    /// In order.
    pub pieces: Vec<FormatPiece>,
}

/// Text or a conversion.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FormatPiece {
    /// As is.
    Literal(String),
    /// `%…`
    Conversion(Conversion),
}

/// One `%` conversion; each takes its width, precision and value arguments in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conversion {
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
    /// `-`
    pub left: bool,
    /// `+`
    pub plus: bool,
    /// ` `
    pub space: bool,
    /// `'`
    pub group: bool,
    /// `@`: takes the aggregation's value (printa only).
    pub aggregation: bool,
    /// Field width.
    pub width: Option<Count>,
    /// Precision.
    pub precision: Option<Count>,
    /// `h`, `hh`, `l`, `ll`, `L`, `w` as written.
    pub size: String,
    /// The letter.
    pub letter: char,
}

/// A width or precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Count {
    /// A number (a leading `-` is the `left` flag).
    Fixed(u32),
    /// `*`: taken from the arguments.
    Argument,
    /// `?`: as wide as a pointer.
    Pointer,
}

// ------------------------------------------------------------- aggregations

/// One aggregation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aggregation {
    /// Without the `@`.
    pub name: String,
    /// The map: a per-CPU hash keyed by the tuple, or a per-CPU array of one if there is
    /// neither a tuple nor a number.
    pub map: String,
    /// If others are in the same map: its keys begin with this number, a u64.
    pub number: Option<u32>,
    /// What it computes.
    pub function: AggregatingFunction,
    /// The tuple's parts, offsets from the start of the key. Empty: no key.
    pub keys: Vec<Datum>,
    /// Bytes of the map's key (4 for the array).
    pub key_size: u32,
    /// Bytes of one CPU's value: see [`AggregatingFunction`].
    pub value_size: u32,
    /// Where elements are whose keys are shorter than they could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<ShortKeys>,
}

/// A second map of an aggregation, with its keys cut off where nothing but zeros would follow. An
/// element is here, and nowhere else, if the last unit of the short key is zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShortKeys {
    /// The map.
    pub map: String,
    /// Bytes of its keys.
    pub size: u32,
    /// Bytes of a unit: 1 for text, 8 for a stack.
    pub unit: u32,
}

impl ShortKeys {
    /// The short form of a key, if it has one.
    pub fn cut<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        let (short, _) = key.split_at_checked(self.size as usize)?;
        let (_, last) = short.split_at_checked((self.size - self.unit) as usize)?;
        last.iter().all(|b| *b == 0).then_some(short)
    }
}

/// The aggregating functions with their parameters.
///
/// Values are u64 words. Every value begins with a word that is not 0 once the element
/// was updated on that CPU (an update counter for `min`, `max`; the count itself for the
/// others where it has one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AggregatingFunction {
    /// Words: count.
    Count,
    /// Words: number of updates, sum.
    Sum {
        /// Of the summed expression.
        signed: bool,
    },
    /// Words: count, sum.
    Avg {
        /// Of the expression.
        signed: bool,
    },
    /// Words: number of updates, minimum.
    Min {
        /// Of the expression.
        signed: bool,
    },
    /// Words: number of updates, maximum.
    Max {
        /// Of the expression.
        signed: bool,
    },
    /// Words: count, sum, low and high word of the sum of squares.
    Stddev {
        /// Of the expression.
        signed: bool,
    },
    /// Words: number of updates, then 127 buckets: 63 negative (most negative first), zero,
    /// 63 positive.
    Quantize,
    /// Words: number of updates, then underflow, levels, overflow.
    Lquantize {
        /// Lower bound of the first level.
        low: i32,
        /// Upper bound of the last level.
        high: i32,
        /// Width of a level.
        step: u32,
    },
    /// Words: number of updates, then the buckets in order of value: negative overflow …
    /// negative smallest, middle (below the least magnitude), smallest … overflow.
    Llquantize {
        /// Base of the logarithm.
        factor: u32,
        /// Least magnitude.
        low: u32,
        /// Greatest magnitude.
        high: u32,
        /// Linear steps in each magnitude.
        steps: u32,
    },
}
