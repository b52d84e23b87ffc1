//! Preprocessing tokens, and where one ends in text.
//!
//! In: a text whose lines are spliced, and a place in it. Out: the piece that begins there.
//! Nothing is ever refused: what is no token of C (`@`, a lone quote) is a piece as well, so
//! that D's own text comes through.

use super::hide::Hide;
use std::rc::Rc;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name; `$` and letters beyond ASCII are part of it, as GNU has it.
    Ident,
    /// A preprocessing number: `10ms` is one.
    Number,
    /// A closed string.
    String,
    /// A closed character constant.
    Char,
    /// An operator or separator of C.
    Punct,
    /// Anything else; the rest of a line after a quote that is never closed.
    Other,
    /// Blanks within a line.
    Space,
    /// A comment with its marks, without the end of its line if it is a `//` one.
    Comment,
    /// The end of a line.
    Newline,
    /// What an empty argument leaves beside `##`.
    Nothing,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: Kind,
    /// Its first byte.
    pub start: usize,
    /// One past its last.
    pub end: usize,
}

/// A token that has left its text: macro bodies, arguments, directives.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is; no blanks, comments or ends of lines.
    pub kind: Kind,
    /// Whether blanks come before it.
    pub space: bool,
    /// The macros that it came out of, which it doesn't call again.
    pub hide: Hide,
    /// Its text.
    pub text: Rc<str>,
}

impl Token {
    /// A token without a history.
    pub fn new(kind: Kind, text: &str, space: bool) -> Token {
        Token { kind, space, hide: Hide::default(), text: Rc::from(text) }
    }

    /// Whether it is this operator or separator.
    pub fn is(&self, text: &str) -> bool {
        self.kind == Kind::Punct && &*self.text == text
    }
}

/// Operators of more than one character, longest first.
const LONG: [&str; 23] = [
    "...", "<<=", ">>=", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=",
    "-=", "*=", "/=", "%=", "&=", "^=", "|=", "##",
];

const fn begins_name(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || c == b'$' || c >= 0x80
}

const fn continues_name(c: u8) -> bool {
    begins_name(c) || c.is_ascii_digit()
}

/// The piece at `at`; `None` at the end of the text.
pub fn piece(text: &str, at: usize) -> Option<Piece> {
    let rest = &text.as_bytes()[at..];
    let &first = rest.first()?;
    let run = |test: fn(u8) -> bool| rest.iter().take_while(|c| test(**c)).count();
    let next = rest.get(1).copied().unwrap_or(0);
    let (kind, length) = match first {
        b'\n' => (Kind::Newline, 1),
        b' ' | b'\t' | b'\r' | 0x0b | 0x0c => {
            (Kind::Space, run(|c| matches!(c, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)))
        }
        b'/' if next == b'/' => (Kind::Comment, run(|c| c != b'\n')),
        b'/' if next == b'*' => {
            let end = text[at + 2..].find("*/");
            (Kind::Comment, end.map_or(rest.len(), |n| n + 4))
        }
        b'"' | b'\'' => quoted(rest, 0),
        c if begins_name(c) => {
            let name = run(continues_name);
            let prefix = matches!(&rest[..name], b"L" | b"u" | b"U" | b"u8");
            match rest.get(name) {
                Some(b'"' | b'\'') if prefix => match quoted(rest, name) {
                    (Kind::Other, _) => (Kind::Ident, name),
                    literal => literal,
                },
                _ => (Kind::Ident, name),
            }
        }
        c if c.is_ascii_digit() || c == b'.' && next.is_ascii_digit() => {
            (Kind::Number, number(rest))
        }
        _ => match LONG.iter().find(|op| rest.starts_with(op.as_bytes())) {
            Some(op) => (Kind::Punct, op.len()),
            None if b"[](){}.&*+-~!/%<>^|?:;=,#".contains(&first) => (Kind::Punct, 1),
            None => (Kind::Other, 1),
        },
    };
    Some(Piece { kind, start: at, end: at + length })
}

/// A literal whose quote is at `open`.
fn quoted(rest: &[u8], open: usize) -> (Kind, usize) {
    let quote = rest[open];
    let mut at = open + 1;
    while let Some(c) = rest.get(at) {
        match c {
            b'\n' => break,
            b'\\' if rest.get(at + 1).is_some_and(|c| *c != b'\n') => at += 2,
            c if *c == quote => {
                let kind = if quote == b'"' { Kind::String } else { Kind::Char };
                return (kind, at + 1);
            }
            _ => at += 1,
        }
    }
    // All of the line, so that no quote of it is looked at again.
    (Kind::Other, at)
}

fn number(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(c) = rest.get(at) {
        let exponent = matches!(rest[at - 1], b'e' | b'E' | b'p' | b'P');
        if !(continues_name(*c) && *c < 0x80 || *c == b'.' || exponent && matches!(c, b'+' | b'-'))
        {
            break;
        }
        at += 1;
    }
    at
}

/// Whether a text is exactly one token.
pub fn single(text: &str) -> Option<Kind> {
    let first = piece(text, 0)?;
    let token = !matches!(first.kind, Kind::Space | Kind::Comment | Kind::Newline);
    (token && first.end == text.len()).then_some(first.kind)
}

/// Whether two tokens, written without a blank between them, would be read as others.
pub fn join(left: &str, right: &str) -> bool {
    let (Some(&last), Some(&first)) = (left.as_bytes().last(), right.as_bytes().first()) else {
        return false;
    };
    let number = left.as_bytes()[0].is_ascii_digit() || left.starts_with('.') && left.len() > 1;
    if continues_name(last) && !matches!(left.as_bytes()[0], b'"' | b'\'') {
        let sign = number && matches!(last | 0x20, b'e' | b'p') && matches!(first, b'+' | b'-');
        let prefix = matches!(left, "L" | "u" | "U" | "u8") && matches!(first, b'"' | b'\'');
        return continues_name(first) || number && first == b'.' || sign || prefix;
    }
    match (last, first) {
        (b'.', b'.' | b'0'..=b'9') => true,
        (b'/', b'/' | b'*') => true,
        (b'-', b'>') => true,
        (b'+' | b'-' | b'<' | b'>' | b'&' | b'|' | b'#', c) if c == last => true,
        (
            b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'<' | b'>' | b'=' | b'!',
            b'=',
        ) => {
            // `<=` then `=` is two tokens however it is written, unless it was `<<`.
            left.len() == 1 || matches!(left, "<<" | ">>")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> String {
        let (mut at, mut out) = (0, String::new());
        while let Some(p) = piece(text, at) {
            out += &format!("{:?}={:?} ", p.kind, &text[p.start..p.end]);
            at = p.end;
        }
        out
    }

    #[test]
    fn pieces() {
        insta::assert_snapshot!(all("pid$target::read*:entry /x/"), @r#"Ident="pid$target" Punct=":" Punct=":" Ident="read" Punct="*" Punct=":" Ident="entry" Space=" " Punct="/" Ident="x" Punct="/" "#);
        insta::assert_snapshot!(all("@a[`x]=1.e+5ms;'a' \"b"), @r#"Other="@" Ident="a" Punct="[" Other="`" Ident="x" Punct="]" Punct="=" Number="1.e+5ms" Punct=";" Char="'a'" Space=" " Other="\"b" "#);
        insta::assert_snapshot!(all("L\"x\" a/*b\n*/+// c\n"), @r#"String="L\"x\"" Space=" " Ident="a" Comment="/*b\n*/" Punct="+" Comment="// c" Newline="\n" "#);
    }

    #[test]
    fn joining() {
        for (left, right, expected) in [
            ("a", "b", true),
            ("a", "(", false),
            ("-", "-", true),
            ("-", "1", false),
            ("1", ".", true),
            ("1e", "+", true),
            ("x", "+", false),
            ("^", "^", false),
            ("<", "=", true),
            ("/", "*", true),
            ("\"a\"", "b", false),
        ] {
            assert_eq!(join(left, right), expected, "{left} {right}");
        }
    }
}
