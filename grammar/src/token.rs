//! Tokens of D, as the parser wants them.
//!
//! In: text, by logos, for all that is regular. Out: [`Token`]s. What depends on context
//! (probe descriptions, where a `/` closes a predicate, type names, macros) is decided in
//! `lexer`.

use crate::ast::{IntegerSuffix, ProbeDescription};
use logos::Logos;

/// What logos makes of the text in expression mode.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\n\f\x0b]+")]
#[logos(skip r"\\\r?\n")]
#[logos(skip(r"//[^\n]*", allow_greedy = true))]
#[allow(missing_docs, reason = "named after what they are")]
pub enum Raw {
    #[token("/*")]
    CommentStart,
    #[regex(r"[A-Za-z_`][0-9A-Za-z_`]*")]
    #[regex(r"[0-9][0-9A-Za-z_]*`[0-9A-Za-z_`]*", priority = 10)]
    Ident,
    #[regex(r"@([A-Za-z_][0-9A-Za-z_]*)?")]
    Aggregation,
    #[regex(r"\$\$?([A-Za-z_][0-9A-Za-z_]*|[0-9]+)")]
    Macro,
    #[regex(r"[0-9][0-9A-Za-z_]*")]
    Number,
    #[regex(r"[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?[fFlL]?", priority = 20)]
    #[regex(r"\.[0-9]+([eE][+-]?[0-9]+)?[fFlL]?", priority = 20)]
    #[regex(r"[0-9]+[eE][+-]?[0-9]+[fFlL]?", priority = 20)]
    Float,
    #[token("\"")]
    Quote,
    #[token("'")]
    Apostrophe,
    #[token("#")]
    Hash,
    #[token("...")]
    #[token("<<=")]
    #[token(">>=")]
    #[token("<<")]
    #[token(">>")]
    #[token("<=")]
    #[token(">=")]
    #[token("==")]
    #[token("!=")]
    #[token("&&")]
    #[token("||")]
    #[token("^^")]
    #[token("+=")]
    #[token("-=")]
    #[token("*=")]
    #[token("/=")]
    #[token("%=")]
    #[token("&=")]
    #[token("^=")]
    #[token("|=")]
    #[token("++")]
    #[token("--")]
    #[token("->")]
    #[token("(")]
    #[token(")")]
    #[token("[")]
    #[token("]")]
    #[token("{")]
    #[token("}")]
    #[token(";")]
    #[token(",")]
    #[token(":")]
    #[token("?")]
    #[token("=")]
    #[token("<")]
    #[token(">")]
    #[token("+")]
    #[token("-")]
    #[token("*")]
    #[token("/")]
    #[token("%")]
    #[token("&")]
    #[token("|")]
    #[token("^")]
    #[token("~")]
    #[token("!")]
    #[token(".")]
    Punctuation,
}

/// A token with its value.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// Says that an outermost item follows (first in a stream).
    StartItem,
    /// Says that a command-line probe clause follows.
    StartProbe,
    /// Says that an expression follows.
    StartExpr,
    /// Says that a type name follows.
    StartType,
    /// A keyword or punctuation, by its text.
    Word(&'static str),
    /// An identifier that isn't a type; back-quotes and all.
    Ident(String),
    /// An identifier that is a type.
    TypeName(String),
    /// `@name`, without the `@`.
    Aggregation(String),
    /// An integer constant.
    Integer(u64, IntegerSuffix),
    /// A character constant.
    Char(i64),
    /// A string constant.
    String(Vec<u8>),
    /// A probe description.
    Probe(ProbeDescription),
    /// The `/` that opens a predicate.
    PredicateOpen,
    /// The `/` that closes it.
    PredicateClose,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::StartItem | Token::StartProbe | Token::StartExpr | Token::StartType => {
                f.write_str("the start")
            }
            Token::Word(w) => write!(f, "`{w}`"),
            Token::Ident(n) => write!(f, "the name `{n}`"),
            Token::TypeName(n) => write!(f, "the type `{n}`"),
            Token::Aggregation(n) => write!(f, "the aggregation `@{n}`"),
            Token::Integer(n, _) => write!(f, "the number {n}"),
            Token::Char(_) => f.write_str("a character constant"),
            Token::String(_) => f.write_str("a string"),
            Token::Probe(_) => f.write_str("a probe description"),
            Token::PredicateOpen => f.write_str("the `/` of a predicate"),
            Token::PredicateClose => f.write_str("the `/` that ends the predicate"),
        }
    }
}

/// D's keywords in expression mode.
pub const KEYWORDS: &[&str] = &[
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "counter",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "import",
    "inline",
    "int",
    "long",
    "offsetof",
    "probe",
    "provider",
    "register",
    "restrict",
    "return",
    "self",
    "short",
    "signed",
    "sizeof",
    "static",
    "string",
    "stringof",
    "struct",
    "switch",
    "this",
    "translator",
    "typedef",
    "union",
    "unsigned",
    "userland",
    "void",
    "volatile",
    "while",
    "xlate",
];

/// Keywords that begin a declaration in outer mode.
pub const DECLARATION_KEYWORDS: &[&str] = &[
    "auto",
    "char",
    "const",
    "counter",
    "double",
    "enum",
    "extern",
    "float",
    "import",
    "inline",
    "int",
    "long",
    "provider",
    "register",
    "restrict",
    "self",
    "short",
    "signed",
    "static",
    "string",
    "struct",
    "this",
    "translator",
    "typedef",
    "union",
    "unsigned",
    "userland",
    "void",
    "volatile",
];

/// Keywords that are a whole type specifier, or a part of one.
pub const TYPE_KEYWORDS: &[&str] =
    &["char", "double", "float", "int", "long", "short", "signed", "string", "unsigned", "void"];

/// All punctuation, so that a token can hold it by reference.
pub const PUNCTUATION: &[&str] = &[
    "...", "<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "^^", "+=", "-=", "*=",
    "/=", "%=", "&=", "^=", "|=", "++", "--", "->", "(", ")", "[", "]", "{", "}", ";", ",", ":",
    "?", "=", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "~", "!", ".",
];

/// Types that D predeclares, beside C's keywords.
pub const TYPES: &[&str] = &[
    "int8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "uchar_t",
    "ushort_t",
    "uint_t",
    "ulong_t",
    "u_char",
    "u_short",
    "u_int",
    "u_long",
    "longlong_t",
    "u_longlong_t",
    "intptr_t",
    "uintptr_t",
    "size_t",
    "ssize_t",
    "ptrdiff_t",
    "id_t",
    "pid_t",
    "uid_t",
    "gid_t",
    "processorid_t",
    "zoneid_t",
    "time_t",
    "caddr_t",
    "_symaddr",
    "_usymaddr",
];
