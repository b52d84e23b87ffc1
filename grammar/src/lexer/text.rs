//! Strings and character constants, and how to get past them and comments.
//!
//! In: text behind an opening quote. Out: a token, or what is wrong with it.

use super::Lexer;
use crate::diagnostic::Diagnostic;
use crate::literal;
use crate::token::{Raw, Token};

/// Goes to the end of a comment that was opened.
pub(crate) fn skip_comment(lexer: &mut logos::Lexer<'_, Raw>) {
    let rest = lexer.remainder();
    lexer.bump(rest.find("*/").map_or(rest.len(), |n| n + 2));
}

/// Goes to the end of a string or character constant that was opened.
pub(crate) fn skip_quoted(lexer: &mut logos::Lexer<'_, Raw>, quote: u8) {
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

impl Lexer<'_> {
    pub(super) fn quoted(&mut self, start: usize, quote: u8) {
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
}
