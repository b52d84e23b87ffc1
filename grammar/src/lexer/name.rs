//! Names: keywords, types, identifiers, macro variables.
//!
//! In: a word. Out: its token. Decides whether a name is a type: by what the caller knows,
//! by what the program declares and assigns, and by what stands around it.

use super::text::{skip_comment, skip_quoted};
use super::{Lexer, Mode};
use crate::diagnostic::Diagnostic;
use crate::gnu::{self, Gnu};
use crate::literal;
use crate::macros::Expansion;
use crate::token::{KEYWORDS, Raw, TYPE_KEYWORDS, TYPES, Token};
use logos::Logos;
use std::collections::HashSet;

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

impl Lexer<'_> {
    pub(super) fn name(&mut self, start: usize) {
        let text = &self.text[start..self.at];
        let previous = self.previous();
        if matches!(previous, Some(Token::Word("." | "->"))) {
            return self.push(start, Token::Ident(text.to_owned()));
        }
        if let Some(word) = KEYWORDS.iter().find(|k| **k == text) {
            // C's `static inline`: D's `inline` begins a declaration.
            if self.mode == Mode::Declaration && *word == "inline" && previous.is_some() {
                return;
            }
            return self.push(start, Token::Word(word));
        }
        if self.mode == Mode::Declaration
            && let Some(gnu) = gnu::word(text)
        {
            return self.gnu_word(start, gnu);
        }
        // A tag; or a declarator, since a type was there already.
        let declarator = match previous {
            Some(Token::Word(w)) => {
                matches!(*w, "struct" | "union" | "enum" | "@" | "*") || TYPE_KEYWORDS.contains(w)
            }
            Some(Token::TypeName(_)) => true,
            _ => false,
        };
        let only_type = matches!(previous, Some(Token::Word("translator")));
        let is_type =
            !declarator && self.is_type(text) && (only_type || !self.is_used_as_variable(text));
        let token =
            if is_type { Token::TypeName(text.to_owned()) } else { Token::Ident(text.to_owned()) };
        self.push(start, token);
    }

    pub(super) fn gnu_word(&mut self, start: usize, gnu: Gnu) {
        match gnu {
            Gnu::Ignored => {}
            Gnu::Is(token) => self.push(start, token),
            Gnu::Parenthesised => {
                if self.skip_blank() && self.text[self.at..].starts_with('(') {
                    self.at += gnu::group_len(&self.text[self.at..]);
                }
            }
        }
    }

    pub(super) fn is_type(&self, name: &str) -> bool {
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
    pub(super) fn is_used_as_variable(&self, name: &str) -> bool {
        if TYPES.contains(&name) || self.around.typedefs.borrow().contains(name) {
            return false;
        }
        let rest = self.text[self.at..].trim_start();
        rest.starts_with([
            '=', '+', '-', '/', '%', '&', '|', '^', '!', '?', ':', ';', '.', '[', '(', '<',
        ])
    }

    pub(super) fn macro_token(&mut self, start: usize) {
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
            Expansion::Late => self.push(start, Token::Ident(text)),
            other => {
                self.unknown_macro(&other, name, start, self.at);
                self.push(start, Token::Integer(0, crate::ast::IntegerSuffix::default()));
            }
        }
    }

    pub(super) fn push_signed(&mut self, start: usize, n: i64) {
        let suffix = crate::ast::IntegerSuffix { decimal: true, ..Default::default() };
        if n < 0 {
            self.push(start, Token::Word("-"));
        }
        self.push(start, Token::Integer(n.unsigned_abs(), suffix));
    }

    /// An argument is an integer, a name or else a string.
    pub(super) fn argument(&mut self, start: usize, text: &str) {
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

    pub(super) fn unknown_macro(&mut self, e: &Expansion, name: &str, start: usize, end: usize) {
        let span = self.span(start, end);
        let d = match e {
            Expansion::Late => Diagnostic::error(
                "D_MACRO_LATE",
                span,
                format!("which probes there are must be known here, and ${name} isn't"),
            )
            .hint("arguments that are given when the program is built are known"),
            Expansion::Missing(n) => Diagnostic::error(
                "D_MACRO_UNDEF",
                span,
                match self.around.macros.args.len() {
                    0 => format!("the script uses ${n}, but got no arguments"),
                    1 => format!("the script uses ${n}, but got 1 argument"),
                    given => format!("the script uses ${n}, but got {given} arguments"),
                },
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
}
