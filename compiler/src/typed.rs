//! Typed clauses: what a D program means on one kernel, before it is code.
//!
//! In: made by `check` from the syntax tree and a [`crate::kernel::Kernel`]. Out:
//! taken by `lower`. Every expression has its type; names, inlines, enumerators,
//! translators, typedefs, `sizeof` and constants are resolved; conversions are
//! explicit; D's rules have been checked. What is left is meaning, so lowering
//! reports no errors of the D program.

pub mod walk;

use crate::builtins;
use crate::ir::FieldInfo;
use crate::kernel::{Attach, Probe};
use crate::manifest::{AggregatingFunction, Format};
use crate::types::{RecordId, Space, TypeId, Types};
use std::rc::Rc;
use strand_grammar::ast::{BinaryOp, Scope};
use strand_grammar::source::Span;
use strand_grammar::stability::Attributes;

/// A variable of the program: index into [`Program::variables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VariableId(pub u32);

/// An aggregation of the program: index into [`Program::aggregations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AggregationId(pub u32);

/// A temporary bound by [`ExprKind::Let`]; unique in its enabling's clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalId(pub u32);

/// The whole program.
#[derive(Debug)]
pub struct Program {
    /// All types.
    pub types: Types,
    /// All variables.
    pub variables: Vec<Variable>,
    /// All aggregations, in order of first use.
    pub aggregations: Vec<Aggregation>,
    /// Every source clause in program order; [`Clause::index`] refers to it.
    pub clauses: Vec<Span>,
    /// What fires: each with the clauses that run, in program order. Clauses of one
    /// probe are in one enabling, or in several one after the other if they are many; probes
    /// are together where their clauses and the types of their arguments are the same.
    pub enablings: Vec<Enabling>,
    /// Bytes that provider, module, function and name of these probes take at most, each with its
    /// NUL.
    pub probe_fields: [u32; 4],
    /// Where something destructive is done, with the function's name.
    pub destructive: Vec<(Span, String)>,
    /// How stable each source clause is.
    pub stability: Vec<Reliance>,
}

/// How stable a clause is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reliance {
    /// The least of its probes' descriptions.
    pub description: Attributes,
    /// The least of all that it uses.
    pub statements: Attributes,
}

impl Reliance {
    /// Of two clauses.
    pub fn least(self, other: Reliance) -> Reliance {
        Reliance {
            description: self.description.least(other.description),
            statements: self.statements.least(other.statements),
        }
    }
}

/// Probes that run the same clauses in the same context.
#[derive(Debug)]
pub struct Enabling {
    /// Each probe with one of its sites. Sites of one enabling have the same kind of
    /// [`Attach`], so their contexts are alike.
    pub sites: Vec<EnabledSite>,
    /// In program order.
    pub clauses: Vec<Clause>,
}

/// A probe at one of its sites.
#[derive(Debug, Clone)]
pub struct EnabledSite {
    /// The probe.
    pub probe: Probe,
    /// Where.
    pub attach: Attach,
}

/// A clause in one context.
#[derive(Debug, Clone)]
pub struct Clause {
    /// Index into [`Program::clauses`].
    pub index: u32,
    /// Scalar; runs if it isn't 0.
    pub predicate: Option<Expr>,
    /// Empty together with `default_action`.
    pub body: Vec<Statement>,
    /// Nothing was written in the braces: record the firing.
    pub default_action: bool,
}

/// A variable.
#[derive(Debug, Clone)]
pub struct Variable {
    /// As written.
    pub name: String,
    /// Global, `self->` or `this->`.
    pub scope: Scope,
    /// What it holds (of one element, if it has elements).
    pub ty: TypeId,
    /// Its shape.
    pub shape: Shape,
    /// Where it was first assigned or declared.
    pub span: Span,
}

/// The shape of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// One value: integer, pointer, string, struct, or a C array (`int a[5]`), which is
    /// one value of array type.
    Scalar,
    /// Associative array with these key types (global and `self->` only).
    Associative(Vec<TypeId>),
}

/// An aggregation.
#[derive(Debug, Clone)]
pub struct Aggregation {
    /// Without the `@`; `_` if it was written without a name.
    pub name: String,
    /// With its parameters.
    pub function: AggregatingFunction,
    /// Types of the tuple, from its first use.
    pub keys: Vec<TypeId>,
    /// First use.
    pub span: Span,
}

// --------------------------------------------------------------- statements

/// A statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Where.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// Evaluated for its effect.
    Expr(Expr),
    /// `if`
    If {
        /// Scalar.
        condition: Expr,
        /// If it isn't 0.
        then: Vec<Statement>,
        /// If it is.
        otherwise: Vec<Statement>,
    },
    /// `for` and `while`; an `init` is a statement before it.
    Loop {
        /// Tested before each turn; `None` is true.
        condition: Option<Expr>,
        /// After each turn, `continue` included.
        step: Option<Expr>,
        /// The body.
        body: Vec<Statement>,
    },
    /// Leaves the innermost loop.
    Break,
    /// Next turn of the innermost loop.
    Continue,
    /// `@a[keys] = f(value, increment)`
    Aggregate {
        /// Which.
        aggregation: AggregationId,
        /// Converted to the aggregation's key types.
        keys: Vec<Expr>,
        /// What is aggregated; `None` for count.
        value: Option<Expr>,
        /// The increment of quantize and its like.
        increment: Option<Expr>,
    },
    /// An action.
    Action(Action),
}

/// Actions: what D writes as a call and has no value.
#[derive(Debug, Clone)]
pub enum Action {
    /// `trace(e)`: integer, pointer, string, or struct and array by value.
    Trace(Expr),
    /// `stack()`, `ustack()`, `sym()` … as a statement: its value is of type `Stack` etc.
    Show(Expr),
    /// `printf(format, …)`: arguments as the conversions want them, `*` included.
    Printf {
        /// Parsed.
        format: Format,
        /// In order.
        args: Vec<Expr>,
    },
    /// `printa`
    Printa {
        /// Parsed, if given.
        format: Option<Format>,
        /// In order.
        aggregations: Vec<AggregationId>,
    },
    /// `clear(@a)`
    Clear(AggregationId),
    /// `trunc(@a[, n])`
    Trunc(AggregationId, Option<Expr>),
    /// `normalize(@a, n)`
    Normalize(AggregationId, Expr),
    /// `denormalize(@a)`
    Denormalize(AggregationId),
    /// `exit(status)`
    Exit(Expr),
    /// `speculate(id)`: what the clause records from here goes to that speculation.
    Speculate(Expr),
    /// `commit(id)`
    Commit(Expr),
    /// `discard(id)`
    Discard(Expr),
    /// `tracemem(address, size[, used])`: so many bytes of memory; at most `used` of them
    /// are shown if it is given and not negative.
    Tracemem {
        /// The bytes: a read of a `char` array in memory.
        bytes: Expr,
        /// Of type `ssize_t`.
        used: Option<Expr>,
    },
    /// `print(e)`: a value as C would write it, with the type of each part.
    Print {
        /// A read of what is shown.
        value: Expr,
        /// Its address is shown too: a pointer to it was given.
        pointer: bool,
    },
    /// `system(format, …)`: a command that the runtime runs.
    System {
        /// Parsed.
        format: Format,
        /// In order.
        args: Vec<Expr>,
    },
    /// `freopen(format, …)`: output goes to that file from here.
    Freopen {
        /// Parsed; without pieces it is `""`.
        format: Format,
        /// In order.
        args: Vec<Expr>,
    },
    /// `ftruncate()`: what was put out so far is cut off.
    Ftruncate,
    /// `setopt(name[, value])`
    Setopt(Expr, Option<Expr>),
    /// `raise(signal)` to the current process.
    Raise(Expr),
    /// `chill(nanoseconds)`: the processor does nothing for so long.
    Chill(Expr),
    /// `return(value)`: the function that the probe is in returns this at once.
    Return(Expr),
    /// `pcap(skb, protocol)`: a network packet.
    Pcap {
        /// What `length` and `data` know the packet's address by.
        local: LocalId,
        /// Address of the `struct sk_buff`.
        skb: Expr,
        /// Bytes that its first piece has.
        length: Expr,
        /// Where they are.
        data: Expr,
        /// The kind of packet: one of `PCAP_*`.
        protocol: Expr,
    },
}

// -------------------------------------------------------------- expressions

/// An expression.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: TypeId,
    /// Where.
    pub span: Span,
}

/// Something of the kernel's types that its kernel is asked for when the program is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfKernel {
    /// Whose BTF has the type: `None` is vmlinux, else a module.
    pub module: Option<String>,
    /// Id of the enum or record there.
    pub root: u32,
    /// From there: a constant's place in its enum, or members, one within the other.
    pub path: Vec<u32>,
    /// For people: `enum migratetype.MIGRATE_MOVABLE`.
    pub name: String,
    /// What is asked.
    pub info: FieldInfo,
    /// What it is on the kernel compiled against: a constant's value, a member's
    /// offset, a record's size.
    pub value: i32,
}

/// The kinds of expressions.
///
/// A value of integer, enum or pointer type is 64 bits wide, extended by its type's
/// signedness. Arithmetic is on 64 bits; only [`ExprKind::Cast`] and stores narrow.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// Integer, character, enumerator, `sizeof`, address of a kernel symbol …
    Int(i64),
    /// A string constant without its NUL.
    String(Vec<u8>),
    /// A built-in variable.
    Builtin(&'static builtins::Variable),
    /// A macro whose value is read when the program runs, as written: `$1`, `$$1`, `$target`.
    Macro(Rc<str>),
    /// A constant of one of the kernel's enums, which other kernels may number otherwise,
    /// whether there is one, or where a member is.
    OfKernel(Rc<OfKernel>),
    /// The n-th word that the event itself passes (0 if it has fewer); of type int64_t,
    /// or a pointer to a kernel struct for a typed argument.
    RawArg(u8),
    /// A value: scalar, string or struct variable.
    Variable(VariableId),
    /// An element of an associative array, 0 or empty if there is none; keys are
    /// converted to the array's key types.
    Element(VariableId, Vec<Expr>),
    /// A value in memory: integer, enum, pointer, bit-field, struct by value. Arrays are
    /// never read: they are their [`ExprKind::AddressOf`], of pointer type, unless a
    /// whole array is wanted (`trace(array)`, array to string).
    Read(Box<Place>),
    /// The address of a place in memory or in a global variable.
    AddressOf(Box<Place>),
    /// `-`, `~`
    Unary(Unary, Box<Expr>),
    /// `! e`: 1 or 0, of a scalar. A string is "not" if it is NULL or was never set.
    Not(Box<Expr>),
    /// Integer arithmetic. The operands' conversion is done; pointer arithmetic is
    /// scaled and is this too.
    Binary {
        /// Arithmetic, bitwise, shift or comparison; never a logical operator.
        op: BinaryOp,
        /// Division, remainder, right shift and ordering are signed.
        signed: bool,
        /// Left.
        a: Box<Expr>,
        /// Right.
        b: Box<Expr>,
    },
    /// Lexical comparison of two strings by a comparison operator.
    CompareStrings(BinaryOp, Box<Expr>, Box<Expr>),
    /// `&&`, `||` (second operand only if needed), `^^` (both).
    Logical(BinaryOp, Box<Expr>, Box<Expr>),
    /// `c ? a : b`, both of the expression's type.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a, b`
    Comma(Box<Expr>, Box<Expr>),
    /// To the expression's type, from any integer, enum or pointer to any of these:
    /// truncates, then extends by the new type's signedness.
    Cast(Box<Expr>),
    /// Text at the address that the operand is, as a string: NUL-terminated there, or
    /// so many bytes at most.
    StringAt {
        /// Of pointer type.
        address: Box<Expr>,
        /// Where.
        space: Space,
        /// Size of the char array, if it is one.
        limit: Option<u32>,
    },
    /// Stores; the value is the expression's.
    Assign {
        /// Where to.
        target: Target,
        /// `target op value`, of the target's type (`None`: `=`). `signed` as in Binary.
        op: Option<(BinaryOp, bool)>,
        /// Converted to the target's type.
        value: Box<Expr>,
        /// A literal 0 was assigned: frees an element or thread-local.
        deletes: bool,
    },
    /// `++`, `--`: adds `by` (scaled for pointers) to the target.
    Increment {
        /// Where.
        target: Target,
        /// May be negative.
        by: i64,
        /// The value is the one after.
        prefix: bool,
    },
    /// A subroutine; arguments are converted to its parameters.
    Call(&'static builtins::Subroutine, Vec<Expr>),
    /// Evaluates `value` once for `body`.
    Let {
        /// Its name in `body`.
        local: LocalId,
        /// Scalar.
        value: Box<Expr>,
        /// The result.
        body: Box<Expr>,
    },
    /// What a [`ExprKind::Let`] around it bound.
    Local(LocalId),
}

/// Arithmetic prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after what they do")]
pub enum Unary {
    Neg,
    BitNot,
}

/// What can be assigned.
#[derive(Debug, Clone)]
pub enum Target {
    /// A whole variable.
    Variable(VariableId),
    /// An element of an associative array.
    Element(VariableId, Vec<Expr>),
    /// A part of a struct or array variable: [`PlaceBase::Variable`] or `Element` only.
    Part(Box<Place>),
}

/// A place in memory or inside a variable: a base, then steps into it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where it starts.
    pub base: PlaceBase,
    /// Type of what is at the base.
    pub base_ty: TypeId,
    /// Inwards, in order.
    pub steps: Vec<Step>,
    /// Type of what is there.
    pub ty: TypeId,
    /// Where it was written.
    pub span: Span,
}

/// Where a [`Place`] starts.
#[derive(Debug, Clone)]
pub enum PlaceBase {
    /// `*address`
    Memory {
        /// Of pointer type.
        address: Expr,
        /// Where.
        space: Space,
    },
    /// A struct, array or string variable.
    Variable(VariableId),
    /// A struct or string in an associative array.
    Element(VariableId, Vec<Expr>),
}

/// A step into a record or array.
#[derive(Debug, Clone)]
pub enum Step {
    /// A member of a record; those of anonymous records take several steps. Relocated
    /// by CO-RE if the record came from BTF.
    Member {
        /// The record.
        record: RecordId,
        /// Index into its members.
        index: u32,
    },
    /// An element of an array.
    Index {
        /// Which.
        index: Expr,
        /// Size of an element.
        stride: u32,
        /// Checked at run time if known and the index isn't constant (the fault is
        /// `BadIndex`).
        len: Option<u32>,
    },
}
