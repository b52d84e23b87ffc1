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

use crate::ast::{Pragma, ProbeDescription};
use crate::diagnostic::Diagnostic;
use crate::literal;
use crate::macros::{Expansion, Macros};
use crate::pragma;
use crate::source::{SourceId, Span};
use crate::token::{DECLARATION_KEYWORDS, KEYWORDS, PUNCTUATION, Raw, TYPE_KEYWORDS, TYPES, Token};
use crate::{ProbeSpec, TypeNames, UnitKind};
use logos::Logos;
use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};

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

/// Names that a text assigns, increments, subscripts or declares: these are variables
/// even if the kernel has a type of that name.
pub fn assigned_names(text: &str, names: &mut HashSet<String>) {
    let mut last: Option<(&str, usize)> = None;
    let mut lexer = Raw::lexer(text);
    while let Some(token) = lexer.next() {
        let here = lexer.slice();
        match token {
            Ok(Raw::CommentStart) => skip_comment(&mut lexer),
            Ok(Raw::Quote) => skip_quoted(&mut lexer, b'"'),
            Ok(Raw::Apostrophe) => skip_quoted(&mut lexer, b'\''),
            Ok(Raw::Ident) => {
                last = Some((here, lexer.span().end));
                continue;
            }
            Ok(Raw::Punctuation) => {
                let assigns = matches!(
                    here,
                    "=" | "+="
                        | "-="
                        | "*="
                        | "/="
                        | "%="
                        | "&="
                        | "^="
                        | "|="
                        | "<<="
                        | ">>="
                        | "++"
                        | "--"
                        | "["
                );
                if let (true, Some((name, _))) = (assigns, last) {
                    names.insert(name.to_owned());
                }
            }
            _ => {}
        }
        last = None;
    }
}

fn skip_comment(lexer: &mut logos::Lexer<'_, Raw>) {
    let rest = lexer.remainder();
    lexer.bump(rest.find("*/").map_or(rest.len(), |n| n + 2));
}

fn skip_quoted(lexer: &mut logos::Lexer<'_, Raw>, quote: u8) {
    let rest = lexer.remainder();
    lexer.bump(quoted_len(rest.as_bytes(), quote).map_or(rest.len(), |n| n + 1));
}

/// Bytes up to the closing quote, if there is one on this line.
fn quoted_len(rest: &[u8], quote: u8) -> Option<usize> {
    let mut i = 0;
    while i < rest.len() {
        match rest[i] {
            c if c == quote => return Some(i),
            b'\n' => return None,
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
    None
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
                UnitKind::Probe(_) => Token::StartProbe,
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
            Ok(Some(pragma)) => self.pieces.push_back(Piece::Pragma(pragma)),
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

    // ----------------------------------------------------------- outer mode

    fn outer(&mut self) {
        let bytes = self.text.as_bytes();
        let start = self.at;
        match bytes[start] {
            b'{' => {
                self.at += 1;
                self.open.push(Open { text: "{", at: start });
                self.push(start, Token::Word("{"));
                self.mode = Mode::Body;
            }
            b'/' => {
                self.at += 1;
                self.push(start, Token::PredicateOpen);
                self.mode = Mode::Predicate;
            }
            b',' => {
                self.at += 1;
                self.push(start, Token::Word(","));
            }
            b';' => {
                self.at += 1;
                if !self.stream.tokens.is_empty() {
                    self.push(start, Token::Word(";"));
                    self.finish_item();
                }
            }
            c if is_probe_start(c) || c.is_ascii_digit() => self.probe_or_declaration(),
            _ => self.garbage(),
        }
    }

    fn probe_or_declaration(&mut self) {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while end < bytes.len()
            && (is_probe_start(bytes[end]) || bytes[end].is_ascii_digit() || bytes[end] == b'`')
        {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let end = end.min(bytes.len());
        let Some(text) = self.text.get(start..end) else { return self.garbage() };
        let word_end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '`'))
            .unwrap_or(text.len());
        let word = &text[..word_end];
        let begins_item = self.stream.tokens.is_empty();
        let is_plain = !text.contains([':', '-', '.', '?', '!', '[', '$']);
        let declares = begins_item
            && !matches!(self.kind, UnitKind::Probe(_))
            && is_plain
            && !matches!(text, "BEGIN" | "END" | "ERROR")
            && (DECLARATION_KEYWORDS.contains(&word) || self.is_type(word));
        if declares {
            self.mode = Mode::Declaration;
            return self.inner();
        }
        self.at = end;
        match self.probe(text, start) {
            Some(probe) => self.push(start, Token::Probe(probe)),
            None => self.stream.damaged = true,
        }
    }

    /// A probe description: macros expanded, split at the colons, filled from the right
    /// (or as the command line's option says).
    fn probe(&mut self, text: &str, start: usize) -> Option<ProbeDescription> {
        let span = self.span(start, self.at);
        let expanded = self.expand_in_probe(text, start)?;
        let mut probe = ProbeDescription {
            id: None,
            provider: String::new(),
            module: String::new(),
            function: String::new(),
            name: String::new(),
            span,
        };
        let spec = match self.kind {
            UnitKind::Probe(spec) => spec,
            _ => ProbeSpec::Name,
        };
        if expanded.bytes().all(|c| c.is_ascii_digit()) || spec == ProbeSpec::Id {
            match expanded.parse() {
                Ok(id) => probe.id = Some(id),
                Err(_) => {
                    let d = Diagnostic::error(
                        "D_PDESC_INVAL",
                        span,
                        format!("`{expanded}` is not a probe id"),
                    );
                    let rest = expanded.trim_start_matches(|c: char| c.is_ascii_digit());
                    let digits = &expanded[..expanded.len() - rest.len()];
                    self.error(d.classic(match digits.parse() {
                        Ok(0u32) => {
                            "invalid probe identifier 0: Unknown probe identifier".to_owned()
                        }
                        _ => format!("probe description :::{rest} does not match any probes"),
                    }));
                    return None;
                }
            }
            return Some(probe);
        }
        let fields: Vec<&str> = expanded.split(':').collect();
        let most = match spec {
            ProbeSpec::Provider => 1,
            ProbeSpec::Module => 2,
            ProbeSpec::Function => 3,
            _ => 4,
        };
        let beyond = fields.len().saturating_sub(most);
        if fields[..beyond].iter().any(|f| !f.is_empty()) {
            let d = Diagnostic::error(
                "D_PDESC_INVAL",
                span,
                format!("a probe description has at most {most} fields, this one {}", fields.len()),
            );
            let d = d.classic(format!(
                "invalid probe description \"{expanded}\": Overspecified probe description"
            ));
            self.error(d.hint("write provider:module:function:name"));
            return None;
        }
        let mut slots =
            [&mut probe.provider, &mut probe.module, &mut probe.function, &mut probe.name];
        for (slot, field) in slots[..most].iter_mut().rev().zip(fields.iter().rev()) {
            **slot = (*field).to_owned();
        }
        Some(probe)
    }

    fn expand_in_probe(&mut self, text: &str, start: usize) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            out.push_str(&rest[..dollar]);
            let at = start + (text.len() - rest.len()) + dollar;
            rest = rest[dollar..].trim_start_matches('$');
            let digits = rest.starts_with(|c: char| c.is_ascii_digit());
            let end = rest
                .find(|c: char| {
                    if digits {
                        !c.is_ascii_digit()
                    } else {
                        !(c.is_ascii_alphanumeric() || c == '_')
                    }
                })
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            match self.around.macros.expand(name) {
                Expansion::Number(n) => out.push_str(&n.to_string()),
                Expansion::Text(t) if !t.contains(':') => out.push_str(&t),
                Expansion::Text(t) => {
                    let d = Diagnostic::error(
                        "D_PDESC_INVAL",
                        self.span(at, at + 1 + name.len()),
                        format!(
                            "${name} is `{t}`: a macro in a probe description can't hold a `:`"
                        ),
                    );
                    self.error(d);
                    return None;
                }
                other => {
                    self.unknown_macro(&other, name, at, at + 1 + name.len());
                    return None;
                }
            }
            rest = after;
        }
        out.push_str(rest);
        Some(out)
    }

    fn unknown_macro(&mut self, e: &Expansion, name: &str, start: usize, end: usize) {
        let span = self.span(start, end);
        let d = match e {
            Expansion::Missing(n) => Diagnostic::error(
                "D_MACRO_UNDEF",
                span,
                format!(
                    "the script uses ${n}, but got {} argument(s)",
                    self.around.macros.args.len()
                ),
            )
            .hint("give more arguments, or use -x defaultargs to make missing ones 0"),
            _ => Diagnostic::error(
                "D_MACRO_UNDEF",
                span,
                format!("there is no macro variable ${name}"),
            )
            .hint("there are $pid, $ppid, $pgid, $sid, $uid, $euid, $gid, $egid, $target and $1 …"),
        };
        self.error(d);
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

    fn closes_predicate(&self) -> bool {
        if self.mode != Mode::Predicate {
            return false;
        }
        let rest = self.text[self.at + 1..].trim_start();
        rest.is_empty()
            || rest.starts_with(['{', ';'])
            || rest.starts_with("/*")
            || rest.starts_with("//")
            || rest.starts_with('/')
    }

    fn previous(&self) -> Option<&Token> {
        self.stream.tokens.last().map(|t| &t.1)
    }

    fn name(&mut self, start: usize) {
        let text = &self.text[start..self.at];
        let previous = self.previous();
        if matches!(previous, Some(Token::Word("." | "->"))) {
            return self.push(start, Token::Ident(text.to_owned()));
        }
        if let Some(word) = KEYWORDS.iter().find(|k| **k == text) {
            return self.push(start, Token::Word(word));
        }
        // A tag; or a declarator, since a type was there already.
        let declarator = match previous {
            Some(Token::Word(w)) => {
                matches!(*w, "struct" | "union" | "enum" | "@") || TYPE_KEYWORDS.contains(w)
            }
            Some(Token::TypeName(_)) => true,
            _ => false,
        };
        let declarator = declarator || self.in_declarator();
        let only_type = matches!(previous, Some(Token::Word("translator")));
        let is_type =
            !declarator && self.is_type(text) && (only_type || !self.is_used_as_variable(text));
        let token =
            if is_type { Token::TypeName(text.to_owned()) } else { Token::Ident(text.to_owned()) };
        self.push(start, token);
    }

    /// Whether `T (*` was just read: a pointer to a function is declared.
    fn in_declarator(&self) -> bool {
        let mut before = self.stream.tokens.iter().rev().map(|t| &t.1).peekable();
        let stars = std::iter::from_fn(|| before.next_if(|t| **t == Token::Word("*"))).count();
        stars > 0
            && before.next() == Some(&Token::Word("("))
            && match before.next() {
                Some(Token::TypeName(_) | Token::Word("*")) => true,
                Some(Token::Word(w)) => TYPE_KEYWORDS.contains(w),
                _ => false,
            }
    }

    fn is_type(&self, name: &str) -> bool {
        if TYPES.contains(&name) || self.around.typedefs.borrow().contains(name) {
            return true;
        }
        if name.is_empty() || self.around.variables.contains(name) {
            return false;
        }
        match name.rsplit_once('`') {
            Some(("", _)) => false,
            Some((module, name)) => self.around.types.is_type(Some(module), name),
            None => self.around.types.is_type(None, name),
        }
    }

    /// What follows tells a variable or function from a type.
    fn is_used_as_variable(&self, name: &str) -> bool {
        if TYPES.contains(&name) || self.around.typedefs.borrow().contains(name) {
            return false;
        }
        let rest = self.text[self.at..].trim_start();
        rest.starts_with([
            '=', '+', '-', '/', '%', '&', '|', '^', '!', '?', ':', ';', '.', '[', '(', '<',
        ])
    }

    fn macro_token(&mut self, start: usize) {
        let text = self.text[start..self.at].to_owned();
        let name = text.trim_start_matches('$');
        let as_string = text.starts_with("$$");
        match self.around.macros.expand(name) {
            Expansion::Number(n) if as_string => {
                self.push(start, Token::String(n.to_string().into_bytes()));
            }
            Expansion::Number(n) => self.push_signed(start, n),
            Expansion::Text(t) if as_string => {
                self.push(start, Token::String(literal::unescape(t.as_bytes())));
            }
            Expansion::Text(t) => self.argument(start, &t),
            other => {
                self.unknown_macro(&other, name, start, self.at);
                self.push(start, Token::Integer(0, crate::ast::IntegerSuffix::default()));
            }
        }
    }

    fn push_signed(&mut self, start: usize, n: i64) {
        let suffix = crate::ast::IntegerSuffix { decimal: true, ..Default::default() };
        if n < 0 {
            self.push(start, Token::Word("-"));
        }
        self.push(start, Token::Integer(n.unsigned_abs(), suffix));
    }

    /// An argument is an integer, a name or else a string.
    fn argument(&mut self, start: usize, text: &str) {
        if text.is_empty() {
            return self.push_signed(start, 0);
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if digits.starts_with(|c: char| c.is_ascii_digit())
            && let Ok((n, suffix)) = literal::integer(digits)
        {
            if text.starts_with('-') {
                self.push(start, Token::Word("-"));
            }
            return self.push(start, Token::Integer(n, suffix));
        }
        let is_name = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '`')
            && !text.starts_with(|c: char| c.is_ascii_digit());
        if !is_name {
            let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
            return self.push(start, Token::String(literal::unescape(inner.as_bytes())));
        }
        let member = matches!(self.previous(), Some(Token::Word("." | "->" | "struct" | "union")));
        let token = if !member && self.is_type(text) {
            Token::TypeName(text.to_owned())
        } else {
            Token::Ident(text.to_owned())
        };
        self.push(start, token);
    }

    fn quoted(&mut self, start: usize, quote: u8) {
        let rest = &self.text.as_bytes()[self.at..];
        let Some(len) = quoted_len(rest, quote) else {
            let line = rest.iter().position(|c| *c == b'\n').unwrap_or(rest.len());
            self.at += line;
            let (code, what, mark) = match quote {
                b'"' => ("D_STR_NL", "string", "\""),
                _ => ("D_CHR_NL", "character constant", "'"),
            };
            let d = Diagnostic::error(
                code,
                self.span(start, self.at),
                format!("this {what} is not closed on its line"),
            );
            return self.error(d.hint(format!("end it with `{mark}`; write a line break as \\n")));
        };
        let body = &rest[..len];
        let body = body.to_vec();
        self.at += len + 1;
        if quote == b'"' {
            return self.push(start, Token::String(literal::unescape(&body)));
        }
        match literal::character(&body) {
            Ok(c) => self.push(start, Token::Char(c)),
            Err(e) => self.bad_literal(start, e),
        }
    }

    fn punctuation(&mut self, start: usize) {
        let text = &self.text[start..self.at];
        let Some(word) = PUNCTUATION.iter().find(|p| **p == text) else {
            return self.garbage_at(start);
        };
        match *word {
            "(" | "[" | "{" => self.open.push(Open { text: word, at: start }),
            ")" | "]" | "}" if !self.close(word, start) => return,
            ";" if self.mode == Mode::Body => self.close_before_semicolon(start),
            _ => {}
        }
        self.push(start, Token::Word(word));
        match (*word, self.mode) {
            ("}", Mode::Body) if self.open.is_empty() => {
                self.finish_item();
            }
            (";", Mode::Declaration) if self.open.is_empty() => {
                self.finish_item();
            }
            _ => {}
        }
    }

    /// Closes the innermost bracket; false if there is none to close. A bracket of
    /// another kind is reported and closed as it should have been, so that the parser
    /// can go on.
    fn close(&mut self, word: &'static str, start: usize) -> bool {
        let Some(open) = self.open.last() else {
            let d = Diagnostic::error(
                "D_SYNTAX",
                self.span(start, self.at),
                format!("this `{word}` closes nothing"),
            );
            self.diagnostics.push(d.hint("remove it, or add what opens it"));
            return false;
        };
        let (text, at) = (open.text, open.at);
        let expected = closing(text);
        if expected == word {
            self.open.pop();
            return true;
        }
        let opened = self.span(at, at + 1);
        let d = Diagnostic::error(
            "D_SYNTAX",
            self.span(start, self.at),
            format!("`{word}` does not match `{text}`"),
        );
        self.diagnostics.push(
            d.here(format!("expected `{expected}`"))
                .label(opened, format!("this `{text}` is still open")),
        );
        if text == "{" {
            return false;
        }
        self.open.pop();
        self.push(start, Token::Word(expected));
        // A brace ends everything inside it, so that the next clause is seen.
        word == "}" && self.close("}", start)
    }

    /// A statement can't end inside parentheses, unless they are those of a `for`.
    fn close_before_semicolon(&mut self, start: usize) {
        while let Some(Open { text: text @ ("(" | "["), at }) = self.open.last() {
            let (text, at) = (*text, *at);
            let before = self.stream.tokens.iter().rev().find(|t| t.0 < at);
            if matches!(before, Some((_, Token::Word("for"), _))) {
                return;
            }
            let expected = closing(text);
            let d = Diagnostic::error(
                "D_SYNTAX",
                self.span(at, at + 1),
                format!("this `{text}` is never closed"),
            );
            let end = self.span(start, start + 1);
            self.diagnostics.push(
                d.here("opened here")
                    .label(end, "the statement ends here")
                    .hint(format!("add the missing `{expected}`")),
            );
            self.open.pop();
            self.push(start, Token::Word(expected));
        }
    }
}

fn closing(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

fn is_probe_start(c: u8) -> bool {
    c.is_ascii_alphabetic()
        || matches!(c, b'-' | b'$' | b':' | b'_' | b'.' | b'?' | b'*' | b'\\' | b'[' | b']' | b'!')
}
