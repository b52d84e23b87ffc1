//! Text to streams of tokens, one stream for each outermost item.
//!
//! In: a source, the caller's type names and macros. Out: [`Stream`]s for the parser,
//! pragmas, and diagnostics of what isn't even a token.
//!
//! D can't be lexed without knowing where one is:
//! - between clauses (*outer mode*) a word such as `tick-1sec` or `*:::` is one probe
//!   description, unless it begins a declaration;
//! - a `/` there opens a predicate, and inside one a `/` followed by `{`, `;`, `/` or the
//!   end closes it;
//! - after `.` and `->` any word is a member's name;
//! - whether a name is a type decides what `(a) - b` means.
//!
//! Splitting at items means that an error in one doesn't hide those in the next.

mod bracket;
mod name;
mod outer;
mod text;

use crate::ast::Pragma;
use crate::diagnostic::Diagnostic;
use crate::literal;
use crate::macros::Macros;
use crate::pragma;
use crate::source::{SourceId, Span};
use crate::token::{Raw, Token};
use crate::{TypeNames, UnitKind};
use bracket::closing;
use logos::Logos;
use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};

pub use name::assigned_names;
pub(crate) use text::{skip_comment, skip_quoted};

/// A token with the bytes that it covers.
pub type Spanned = (usize, Token, usize);

/// The tokens of one item.
#[derive(Debug, Default)]
pub struct Stream {
    /// In order; the first is a start token.
    pub tokens: Vec<Spanned>,
    /// A lexical error was reported inside: syntax errors are its consequence.
    pub damaged: bool,
}

/// An item or a pragma, in the order of the text.
#[derive(Debug)]
pub enum Piece {
    /// To be parsed.
    Item(Stream),
    /// Done already.
    Pragma(Pragma),
}

/// Where in the language the lexer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Between items and in lists of probe descriptions.
    Outer,
    /// In a declaration, up to its `;`.
    Declaration,
    /// In a predicate.
    Predicate,
    /// In a clause's braces.
    Body,
}

/// A bracket that is open.
struct Open {
    text: &'static str,
    at: usize,
}

/// The lexer's state.
pub struct Lexer<'a> {
    text: &'a str,
    source: SourceId,
    kind: UnitKind,
    around: Surroundings<'a>,
    at: usize,
    mode: Mode,
    open: Vec<Open>,
    stream: Stream,
    pieces: VecDeque<Piece>,
    /// What was wrong so far.
    pub diagnostics: Vec<Diagnostic>,
    ended: bool,
    /// What may be a probe description is one.
    pspec: bool,
}

/// What a lexer needs to know besides the text.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The caller's types.
    pub types: &'a dyn TypeNames,
    /// Macro variables.
    pub macros: &'a Macros,
    /// Typedefs that the program itself has made so far.
    pub typedefs: &'a RefCell<HashSet<String>>,
    /// Names that are assigned somewhere in the program.
    pub variables: &'a HashSet<String>,
}

impl<'a> Lexer<'a> {
    /// A lexer at the beginning of a text.
    pub fn new(text: &'a str, source: SourceId, kind: UnitKind, around: Surroundings<'a>) -> Self {
        let at = if text.starts_with("#!") { text.find('\n').unwrap_or(text.len()) } else { 0 };
        Lexer {
            text,
            source,
            kind,
            around,
            at,
            mode: Mode::Outer,
            open: Vec::new(),
            stream: Stream::default(),
            pieces: VecDeque::new(),
            diagnostics: Vec::new(),
            ended: false,
            pspec: around.macros.pspec,
        }
    }

    /// The next item or pragma.
    pub fn next_piece(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            if self.ended {
                return None;
            }
            if !self.skip_blank() {
                self.end_of_text();
                self.ended = true;
            } else if self.mode == Mode::Outer {
                self.outer();
            } else {
                self.inner();
            }
        }
    }

    /// All tokens of an expression or type name that stands alone.
    pub fn fragment(mut self, start: Token) -> (Stream, Vec<Diagnostic>) {
        self.mode = Mode::Body;
        self.stream.tokens.push((0, start, 0));
        // Brackets must not end an item here.
        self.open.push(Open { text: "{", at: 0 });
        while self.skip_blank() {
            self.inner();
        }
        (self.stream, self.diagnostics)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, start..end)
    }

    fn error(&mut self, d: Diagnostic) {
        self.stream.damaged = true;
        self.diagnostics.push(d);
    }

    fn push(&mut self, start: usize, token: Token) {
        if self.stream.tokens.is_empty() {
            let first = match self.kind {
                UnitKind::Probe(_) if self.mode != Mode::Declaration => Token::StartProbe,
                _ => Token::StartItem,
            };
            self.stream.tokens.push((start, first, start));
        }
        self.stream.tokens.push((start, token, self.at));
    }

    fn finish_item(&mut self) {
        self.mode = Mode::Outer;
        self.open.clear();
        let stream = std::mem::take(&mut self.stream);
        if !stream.tokens.is_empty() || stream.damaged {
            self.pieces.push_back(Piece::Item(stream));
        }
    }

    /// Skips blanks, comments and control lines; false at the end.
    fn skip_blank(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            let rest = &bytes[self.at..];
            match rest[0] {
                c if c.is_ascii_whitespace() || c == 0x0b => self.at += 1,
                b'\\' if rest.starts_with(b"\\\n") => self.at += 2,
                b'\\' if rest.starts_with(b"\\\r\n") => self.at += 3,
                b'/' if rest.starts_with(b"//") => {
                    self.at += rest.iter().position(|c| *c == b'\n').unwrap_or(rest.len());
                }
                b'/' if rest.starts_with(b"/*") => self.comment(),
                b'#' if self.first_on_line() => self.control_line(),
                _ => return true,
            }
        }
        false
    }

    fn first_on_line(&self) -> bool {
        let line = self.text[..self.at].rfind('\n').map_or(0, |n| n + 1);
        self.text[line..self.at].trim().is_empty()
    }

    fn comment(&mut self) {
        let start = self.at;
        let body = &self.text[start + 2..];
        let Some(end) = body.find("*/") else {
            self.at = self.text.len();
            let d = Diagnostic::error(
                "D_COMMENT_EOF",
                self.span(start, start + 2),
                "this comment is never closed",
            );
            let end = self.span(self.at, self.at);
            let d = d.classic("end-of-file encountered before matching */").classic_at(end);
            return self.error(d.here("opened here").hint("end it with `*/`"));
        };
        self.at = start + 2 + end + 2;
        if let Some(nested) = body[..end].find("/*") {
            let at = start + 2 + nested;
            let d = Diagnostic::error(
                "D_SYNTAX",
                self.span(at, at + 2),
                "`/*` inside a comment: comments do not nest",
            );
            let outer = self.span(start, start + 2);
            self.error(d.label(outer, "the comment begins here"));
        }
    }

    fn control_line(&mut self) {
        let start = self.at;
        let mut end = start;
        // A backslash at the end of the line continues it.
        loop {
            end += self.text[end..].find('\n').unwrap_or(self.text.len() - end);
            if end < self.text.len() && self.text[..end].trim_end_matches('\r').ends_with('\\') {
                end += 1;
            } else {
                break;
            }
        }
        self.at = end;
        let line = &self.text[start..end];
        if end == self.text.len() && line.trim_end() == "#pragma" {
            let d = Diagnostic::error("D_SYNTAX", self.span(start, end), "the program ends here")
                .classic("end-of-file encountered before end of control line");
            return self.error(d.hint("write what the pragma is, and end its line"));
        }
        match pragma::control_line(line, self.span(start, end)) {
            Ok(Some(pragma)) => {
                if let Pragma::Option { name, value, .. } = &pragma
                    && name == "pspec"
                {
                    let off = ["no", "false", "off", "disable", "disabled", "unset", "0"];
                    self.pspec = value.as_deref().is_none_or(|v| !off.contains(&v));
                }
                self.pieces.push_back(Piece::Pragma(pragma));
            }
            Ok(None) => {}
            Err(d) => self.diagnostics.push(d),
        }
    }

    fn end_of_text(&mut self) {
        if let (Some(open), false) = (self.open.last(), self.stream.damaged) {
            let closing = closing(open.text);
            let at = self.span(open.at, open.at + 1);
            let d =
                Diagnostic::error("D_SYNTAX", at, format!("this `{}` is never closed", open.text));
            self.error(d.here("opened here").hint(format!("add the missing `{closing}`")));
        } else if self.mode == Mode::Predicate && !self.stream.damaged {
            let start = self.stream.tokens.iter().rev().find(|t| t.1 == Token::PredicateOpen);
            let (from, to) = start.map_or((self.at, self.at), |t| (t.0, t.2));
            let d = Diagnostic::error(
                "D_SYNTAX",
                self.span(from, to),
                "this predicate is never closed",
            );
            self.error(d.here("opened here").hint("end it with `/` before the `{`"));
        }
        self.finish_item();
    }

    /// A character that begins nothing.
    fn garbage(&mut self) {
        let start = self.at;
        let c = self.text[start..].chars().next().unwrap_or('\0');
        self.at += c.len_utf8();
        if self.stream.damaged {
            return;
        }
        let shown = if c == '\u{fffd}' {
            "what is no UTF-8 text".to_owned()
        } else if c.is_control() {
            format!("byte {:#04x}", c as u32)
        } else {
            format!("`{c}`")
        };
        let mut d = Diagnostic::error(
            "D_SYNTAX",
            self.span(start, self.at),
            format!("{shown} can't stand here"),
        );
        if c.is_control() || c == '\u{fffd}' {
            d = d.note("the text does not look like a D program");
            // Whatever follows is noise as well.
            self.at = self.text.len();
        }
        self.error(d);
    }

    // ------------------------------------------------------ expression mode

    fn inner(&mut self) {
        let start = self.at;
        if self.text.as_bytes()[start] == b'/' && self.closes_predicate() {
            self.at += 1;
            self.push(start, Token::PredicateClose);
            self.mode = Mode::Outer;
            return;
        }
        let mut lexer = Raw::lexer(&self.text[start..]);
        let token = lexer.next();
        let (raw, len) = match token {
            Some(Ok(raw)) if lexer.span().start == 0 => (raw, lexer.span().end),
            _ => return self.garbage(),
        };
        self.at = start + len;
        let text = &self.text[start..self.at];
        match raw {
            Raw::CommentStart => {
                self.at = start;
                self.comment();
            }
            Raw::Ident => self.name(start),
            Raw::Aggregation => {
                let name = if text.len() == 1 { "_" } else { &text[1..] };
                self.push(start, Token::Aggregation(name.to_owned()));
            }
            Raw::Macro => self.macro_token(start),
            Raw::Number => match literal::integer(text) {
                Ok((n, suffix)) => self.push(start, Token::Integer(n, suffix)),
                Err(e) => self.bad_literal(start, e),
            },
            Raw::Float => {
                let e = (
                    "D_SYNTAX",
                    "floating-point constants are not permitted in D".to_owned(),
                    Some("use integers, in smaller units if need be"),
                );
                self.bad_literal(start, e);
            }
            Raw::Quote => self.quoted(start, b'"'),
            Raw::Apostrophe => self.quoted(start, b'\''),
            Raw::Hash => self.garbage_at(start),
            Raw::Punctuation => self.punctuation(start),
        }
    }

    fn garbage_at(&mut self, start: usize) {
        self.at = start;
        self.garbage();
    }

    fn bad_literal(&mut self, start: usize, (code, message, hint): literal::LiteralError) {
        let mut d = Diagnostic::error(code, self.span(start, self.at), message);
        d.hint = hint.map(str::to_owned);
        self.error(d);
        self.push(start, Token::Integer(0, crate::ast::IntegerSuffix::default()));
    }

    fn previous(&self) -> Option<&Token> {
        self.stream.tokens.last().map(|t| &t.1)
    }
}
