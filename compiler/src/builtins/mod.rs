//! D's built-in variables, subroutines, actions and aggregating functions.
//!
//! In: names. Out: one record for each: its signature for `check`, its lowering for
//! `lower`, a sentence for the manual. Adding one touches the file of its family only.

use crate::lower::{Context, Operand};
use crate::typed::Expr;
use strand_grammar::stability::{Attributes, Class, Stability};

mod address;
mod machine;
mod network;
mod path;
mod probe;
mod process;
mod random;
mod scratch;
mod speculation;
mod stack;
mod string;
mod time;
mod user;

pub(crate) use stack::is_tick;

pub(crate) use probe::{LONGEST_FIELD, field_of_probe, longest_fields};

/// A built-in variable.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its type as D text (`pid_t`, `string`, ``struct task_struct *``).
    pub ty: &'static str,
    /// Strings: the most bytes that it can take with its NUL, if less than `strsize`.
    pub text_bound: Option<u32>,
    /// What it is, in a sentence.
    pub doc: &'static str,
    /// Its code.
    pub lower: fn(&mut Context) -> Operand,
}

/// A subroutine: a function with a value.
#[derive(Debug)]
pub struct Subroutine {
    /// Its name.
    pub name: &'static str,
    /// Result type as D text, or [`Subroutine::SAME`]-like markers in `result`.
    pub result: ResultType,
    /// Its parameters.
    pub params: &'static [Param],
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// It takes memory of the clause's own: [`ParamKind::Size`] bytes.
    pub allocates: bool,
    /// Its code.
    pub lower: fn(&mut Context, &Call) -> Operand,
}

/// A call of a subroutine as its lowering sees it.
#[derive(Debug)]
pub struct Call<'a> {
    /// The call itself: type and span.
    pub expr: &'a Expr,
    /// Arguments, converted to the parameters' types.
    pub args: &'a [Expr],
}

/// The type of a subroutine's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultType {
    /// A D type name.
    D(&'static str),
    /// A pointer into the clause's own memory.
    Scratch,
    /// `stack(n)`, `ustack(n)`: a stack of that many frames (first argument, an integer
    /// constant; else the option's default).
    Stack {
        /// Of the user's side.
        user: bool,
    },
    /// A symbol value.
    Symbol {
        /// How much of it.
        kind: crate::manifest::SymbolKind,
        /// A user address.
        user: bool,
    },
}

/// How far scripts may rely on a built-in variable or function. All is stable but what shows
/// or looks into the kernel's own structures.
pub fn stability(name: &str) -> Attributes {
    const LOOKS_INSIDE: [&str; 17] = [
        "d_path",
        "ddi_pathname",
        "getmajor",
        "getminor",
        "htonl",
        "htonll",
        "htons",
        "mutex_owned",
        "mutex_owner",
        "mutex_type_adaptive",
        "mutex_type_spin",
        "ntohl",
        "ntohll",
        "ntohs",
        "rw_iswriter",
        "rw_read_held",
        "rw_write_held",
    ];
    match name {
        "curthread" => Attributes { data: Stability::Private, ..Attributes::STABLE },
        _ if LOOKS_INSIDE.contains(&name) => Attributes::of(Stability::Evolving, Class::Common),
        _ => Attributes::STABLE,
    }
}

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// What it takes.
    pub kind: ParamKind,
    /// May be left out, with all after it.
    pub optional: bool,
}

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Any integer or enum; converted to this D type.
    Integer(&'static str),
    /// A string, or `char *` and char arrays, which are converted.
    String,
    /// A pointer of any type, or an integer taken as an address (`uintptr_t`).
    Address,
    /// A pointer of this type, or `void *`.
    To(&'static str),
    /// An integer constant.
    Constant,
    /// An integer constant above 0.
    Count,
    /// A number of bytes.
    Size,
    /// A pointer into the clause's own memory.
    Scratch,
    /// What bytes are copied from: a pointer of any type, or text.
    Source,
    /// Not written: a thread-local of the subroutine's own, of this D type, which keeps
    /// something from call to call. Comes last.
    Kept(&'static str),
}

const fn required(kind: ParamKind) -> Param {
    Param { kind, optional: false }
}

const fn optional(kind: ParamKind) -> Param {
    Param { kind, optional: true }
}

static VARIABLES: &[&[Variable]] =
    &[machine::VARIABLES, probe::VARIABLES, process::VARIABLES, stack::VARIABLES, time::VARIABLES];

static SUBROUTINES: &[&[Subroutine]] = &[
    address::SUBROUTINES,
    machine::SUBROUTINES,
    network::SUBROUTINES,
    path::SUBROUTINES,
    process::SUBROUTINES,
    random::SUBROUTINES,
    scratch::SUBROUTINES,
    speculation::SUBROUTINES,
    stack::SUBROUTINES,
    string::SUBROUTINES,
    string::find::SUBROUTINES,
    string::json::SUBROUTINES,
    string::letters::SUBROUTINES,
    string::number::SUBROUTINES,
    string::path::SUBROUTINES,
    string::token::SUBROUTINES,
    user::SUBROUTINES,
];

pub use machine::register;

/// The built-in variable of this name. `arg0`…`arg9` and `args` are not here: `check`
/// makes them [`crate::typed::ExprKind::RawArg`].
pub fn variable(name: &str) -> Option<&'static Variable> {
    variables().find(|v| v.name == name)
}

/// The subroutine of this name.
pub fn subroutine(name: &str) -> Option<&'static Subroutine> {
    subroutines().find(|s| s.name == name)
}

/// All built-in variables.
pub fn variables() -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().flat_map(|f| f.iter())
}

/// All subroutines.
pub fn subroutines() -> impl Iterator<Item = &'static Subroutine> {
    SUBROUTINES.iter().flat_map(|f| f.iter())
}

/// The action names: calls that are statements (`trace`, `printf` …). Their arguments
/// are all different, so `check` knows each; see [`crate::typed::Action`].
pub const ACTIONS: &[&str] = &[
    "trace",
    "printf",
    "printa",
    "exit",
    "clear",
    "trunc",
    "normalize",
    "denormalize",
    "speculate",
    "commit",
    "discard",
    "tracemem",
    "print",
    "system",
    "freopen",
    "ftruncate",
    "setopt",
    "raise",
    "stop",
    "chill",
    "return",
    "pcap",
    "panic",
    "breakpoint",
];

/// Subroutines that the standard library writes in D: `f(x)` is its inline `_f[x]`.
pub const WRITTEN: &[&str] = &[
    "getmajor",
    "getminor",
    "mutex_owned",
    "mutex_owner",
    "mutex_type_adaptive",
    "mutex_type_spin",
    "rw_iswriter",
    "rw_read_held",
    "rw_write_held",
];

/// What D has and Linux hasn't: the name, and why there is nothing that it could do.
pub const IMPOSSIBLE: &[(&str, &str)] = &[
    ("ddi_pathname", "Linux has no device tree of this kind; `struct device` has the names"),
    ("jstack", "nothing tells the kernel where a virtual machine keeps its stacks"),
    ("msgdsize", "Linux has no STREAMS messages"),
    ("msgsize", "Linux has no STREAMS messages"),
];

/// The aggregating functions; see [`crate::manifest::AggregatingFunction`].
pub const AGGREGATING: &[&str] =
    &["count", "sum", "avg", "min", "max", "stddev", "quantize", "lquantize", "llquantize"];
