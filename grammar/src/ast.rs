//! What was written: the syntax tree of a D program, every node with its span.
//!
//! In: nothing; the parser builds these values. Out: plain data for the compiler.
//! Nothing here is resolved: names are text, types are as spelled, constants keep
//! the suffix that was written. Literals and macros are already expanded
//! (`$1`, `$pid`, escapes in strings), since D expands them while it lexes.

use crate::source::Span;

/// A whole compilation unit: the items of all scripts and `-e`/`-n` texts, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// In the order they were written.
    pub items: Vec<Item>,
}

/// A thing at the outermost level.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `probes /predicate/ { … }`
    Clause(Clause),
    /// A variable, type or function-type declaration.
    Declaration(Declaration),
    /// `inline T name = e;` or `inline T name[T a] = e;`
    Inline(Inline),
    /// `translator Out < In id > { … };`
    Translator(Translator),
    /// `provider name { probe p(…); … };`
    Provider(ProviderDeclaration),
    /// `#pragma D …`
    Pragma(Pragma),
}

/// A name as written, without scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ident {
    /// The text.
    pub name: String,
    /// Where.
    pub span: Span,
}

// ------------------------------------------------------------------ clauses

/// One clause: what fires it, its predicate, what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Never empty.
    pub probes: Vec<ProbeDescription>,
    /// `/ e /`
    pub predicate: Option<Expr>,
    /// `None`: no braces were written (command line only: the default action).
    /// `Some` of no statements also means the default action.
    pub body: Option<Block>,
    /// From the first description to the closing brace.
    pub span: Span,
}

/// `provider:module:function:name` with macros expanded; a missing or empty field is `""`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeDescription {
    /// A bare integer was written: the probe's id; the fields are then empty.
    pub id: Option<u32>,
    /// `syscall`, `pid123`, a glob, or empty for all.
    pub provider: String,
    /// Module field.
    pub module: String,
    /// Function field.
    pub function: String,
    /// Name field.
    pub name: String,
    /// The whole description.
    pub span: Span,
}

/// `{ … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Empty statements are dropped.
    pub statements: Vec<Statement>,
    /// With the braces.
    pub span: Span,
}

/// One statement of a clause.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Where, without the semicolon.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// An expression or an action call. `@a[k] = count()` is an
    /// [`ExprKind::Assign`] whose target is an [`ExprKind::Aggregation`].
    Expr(Expr),
    /// `if (c) … else …`
    If {
        /// The condition.
        condition: Expr,
        /// One statement becomes a block of one.
        then: Block,
        /// Likewise; `else if` is a block of one `If`.
        otherwise: Option<Block>,
    },
    /// `while (c) …` (extension)
    While {
        /// Tested before each turn.
        condition: Expr,
        /// The body.
        body: Block,
    },
    /// `for (init; cond; step) …` (extension); each part may be absent.
    For {
        /// Evaluated once.
        init: Option<Expr>,
        /// Tested before each turn.
        condition: Option<Expr>,
        /// After each turn.
        step: Option<Expr>,
        /// The body.
        body: Block,
    },
    /// `break;` (extension, only in loops)
    Break,
    /// `continue;` (extension, only in loops)
    Continue,
    /// A nested block.
    Block(Block),
}

// -------------------------------------------------------------- expressions

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// How an integer constant was typed: its suffix and base decide its type (C99 6.4.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntegerSuffix {
    /// `u` or `U`
    pub unsigned: bool,
    /// 0, 1 (`l`) or 2 (`ll`)
    pub longs: u8,
    /// Written in decimal: such a constant never becomes unsigned by itself.
    pub decimal: bool,
}

/// Which variable namespace a name was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `x`: a global, a built-in, an inline or an enumerator.
    Global,
    /// `self->x`
    Thread,
    /// `this->x`
    Clause,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An integer constant; the bits of its value.
    Integer(u64, IntegerSuffix),
    /// A character constant; of type int.
    Char(i64),
    /// A string constant, escapes processed. May hold any bytes.
    String(Vec<u8>),
    /// `x`, `self->x`, `this->x`
    Name(Scope, Ident),
    /// `` `sym `` or ``module`sym``: a kernel variable.
    Kernel {
        /// Before the last back-quote; `None` for a bare one.
        module: Option<String>,
        /// The symbol.
        name: Ident,
    },
    /// `a[k, …]`, `self->a[k]`, `args[0]`, `p[i]`, `f[a]` of a parameterised inline.
    Index(Box<Expr>, Vec<Expr>),
    /// `@name[k, …]`; a lone `@` has the name `_`.
    Aggregation(Aggregation),
    /// `f(a, …)`: an action, subroutine or aggregating function.
    Call {
        /// The function's name.
        function: Ident,
        /// In order.
        args: Vec<Expr>,
    },
    /// `x.m`
    Member(Box<Expr>, Ident),
    /// `x->m`
    Arrow(Box<Expr>, Ident),
    /// Prefix operators.
    Unary(UnaryOp, Box<Expr>),
    /// `++x`, `x--` …
    Increment {
        /// `++` rather than `--`.
        up: bool,
        /// Written before the operand.
        prefix: bool,
        /// What changes.
        target: Box<Expr>,
    },
    /// `a op b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a = b` (`None`) or `a op= b`.
    Assign(Option<BinaryOp>, Box<Expr>, Box<Expr>),
    /// `c ? a : b`
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a, b`
    Comma(Box<Expr>, Box<Expr>),
    /// `(T)e`
    Cast(TypeName, Box<Expr>),
    /// `sizeof (T)`
    SizeofType(TypeName),
    /// `sizeof e`
    SizeofExpr(Box<Expr>),
    /// `offsetof(T, m)`; a path `m.n[2]` has several idents.
    Offsetof(TypeName, Vec<Ident>),
    /// `stringof(e)`, `stringof e`
    Stringof(Box<Expr>),
    /// `xlate <T>(e)`
    Xlate(TypeName, Box<Expr>),
}

/// `@name[k, …]`
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// Without the `@`; `_` for the nameless one.
    pub name: Ident,
    /// Empty: written without brackets.
    pub keys: Vec<Expr>,
}

/// Prefix operators other than `++` and `--`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `+`
    Plus,
    /// `!`
    Not,
    /// `~`
    BitNot,
    /// `*`
    Deref,
    /// `&`
    AddressOf,
}

/// Binary operators without assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the C operators")]
pub enum BinaryOp {
    Mul,
    Div,
    Rem,
    Add,
    Sub,
    Shl,
    Shr,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    BitAnd,
    BitXor,
    BitOr,
    LogAnd,
    LogXor,
    LogOr,
}

// -------------------------------------------------------- types as written

/// A type name: specifiers plus an abstract declarator, as in a cast.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    /// `unsigned int`, `struct bio`, ``zfs`dbuf_t`` …
    pub base: TypeSpec,
    /// From the name outwards: `int *a[4]` is `[Array(4), Pointer]`.
    pub derived: Vec<Derived>,
    /// Where.
    pub span: Span,
}

/// The specifiers and qualifiers of a declaration, put together.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeSpec {
    /// The type proper.
    pub kind: TypeSpecKind,
    /// `const` was among them.
    pub is_const: bool,
    /// `volatile` was among them.
    pub is_volatile: bool,
    /// `userland` was among them (a D keyword: the pointer is into user space).
    pub userland: bool,
    /// Where.
    pub span: Span,
}

/// The base of a type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeSpecKind {
    /// `void`
    Void,
    /// Any mix of `char short int long signed unsigned float double`, already
    /// folded; an impossible mix was reported and became `int`.
    Basic(BasicType),
    /// `string`
    String,
    /// A typedef's name, perhaps with a module: `pid_t`, ``ext4`ext4_lblk_t``.
    Named {
        /// Before the back-quote.
        module: Option<String>,
        /// The name.
        name: Ident,
    },
    /// `struct s`, `union u`, with or without members.
    Record {
        /// Struct or union.
        is_union: bool,
        /// ``module`struct s``
        module: Option<String>,
        /// `None`: anonymous.
        tag: Option<Ident>,
        /// `None`: a reference, not a definition.
        members: Option<Vec<MemberDeclaration>>,
    },
    /// `enum e { … }`
    Enum {
        /// ``module`enum e``
        module: Option<String>,
        /// `None`: anonymous.
        tag: Option<Ident>,
        /// `None`: a reference.
        items: Option<Vec<Enumerator>>,
    },
}

/// C's arithmetic types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named after the C types")]
pub enum BasicType {
    Char,
    SignedChar,
    UnsignedChar,
    Short,
    UnsignedShort,
    Int,
    UnsignedInt,
    Long,
    UnsignedLong,
    LongLong,
    UnsignedLongLong,
    Float,
    Double,
    LongDouble,
}

/// One step of a declarator.
#[derive(Clone, Debug, PartialEq)]
pub enum Derived {
    /// `*`
    Pointer {
        /// `* const`
        is_const: bool,
        /// `* userland`
        userland: bool,
    },
    /// `[n]`, `[]`
    Array(Option<Box<Expr>>),
    /// `[T, …]`: the key types of an associative array.
    Associative(Vec<TypeName>),
    /// `(T, …)`
    Function {
        /// Parameters; names are dropped.
        params: Vec<TypeName>,
        /// `…` at the end.
        variadic: bool,
    },
}

/// A member or group of members of a struct: one declarator of it.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberDeclaration {
    /// `None`: an anonymous struct or union, or an unnamed bit-field.
    pub name: Option<Ident>,
    /// Its type.
    pub ty: TypeName,
    /// `: width`
    pub bits: Option<Expr>,
}

/// One constant of an enum.
#[derive(Clone, Debug, PartialEq)]
pub struct Enumerator {
    /// The name.
    pub name: Ident,
    /// `= e`
    pub value: Option<Expr>,
}

// -------------------------------------------------------------- declarations

/// The storage class of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the keywords")]
pub enum Storage {
    None,
    Typedef,
    Extern,
    Static,
    Register,
    Auto,
    Thread,
    Clause,
}

/// One declarator of an outer declaration: `int x, *y;` becomes two of these.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// `typedef`, `self`, `this` …
    pub storage: Storage,
    /// `None`: only a type was declared (`struct s { … };`).
    pub name: Option<Ident>,
    /// Its type.
    pub ty: TypeName,
    /// Where.
    pub span: Span,
}

/// A parameter of an inline, or of a probe in a provider declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its type.
    pub ty: TypeName,
    /// Its name, if one was written.
    pub name: Option<Ident>,
}

/// `inline T name[params] = value;`
#[derive(Clone, Debug, PartialEq)]
pub struct Inline {
    /// The name.
    pub name: Ident,
    /// Result type.
    pub ty: TypeName,
    /// `None`: not parameterised.
    pub params: Option<Vec<Parameter>>,
    /// The body.
    pub value: Expr,
    /// Where.
    pub span: Span,
}

/// `translator Out < In id > { member = e; … };`
#[derive(Clone, Debug, PartialEq)]
pub struct Translator {
    /// The type that is made.
    pub output: TypeName,
    /// The type that it is made from.
    pub input: TypeName,
    /// The name by which the members' expressions call the input.
    pub param: Ident,
    /// In order.
    pub members: Vec<(Ident, Expr)>,
    /// Where.
    pub span: Span,
}

/// `provider name { probe … };`
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderDeclaration {
    /// The provider's name.
    pub name: Ident,
    /// Its probes.
    pub probes: Vec<ProbeDeclaration>,
    /// Where.
    pub span: Span,
}

/// `probe name(T a, …) : (U b, …);`
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeDeclaration {
    /// `__` stands for `-` and is kept as written.
    pub name: Ident,
    /// What the traced side passes.
    pub native: Vec<Parameter>,
    /// What the D program sees, if it differs.
    pub translated: Option<Vec<Parameter>>,
    /// Where.
    pub span: Span,
}

/// `#pragma D option`, `attributes`, `binding`, `depends_on`
#[derive(Clone, Debug, PartialEq)]
pub enum Pragma {
    /// `#pragma D option name=value`
    Option {
        /// The option.
        name: String,
        /// Its value, if any.
        value: Option<String>,
        /// Where.
        span: Span,
    },
    /// Any other `#pragma D` word with its arguments.
    Other {
        /// `attributes`, `binding`, `depends_on`
        word: Ident,
        /// The rest, split at blanks.
        args: Vec<String>,
        /// Where.
        span: Span,
    },
}
