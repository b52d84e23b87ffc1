//! Punctuation: which bracket closes which, and where items and predicates end.
//!
//! In: a character of punctuation. Out: its token, and the end of the item if it was that.
//! A bracket that is missing or of the wrong kind is reported and put right, so that the
//! parser can go on.

use super::{Lexer, Mode, Open};
use crate::diagnostic::Diagnostic;
use crate::gnu;
use crate::token::{PUNCTUATION, Token};

impl Lexer<'_> {
    pub(super) fn closes_predicate(&self) -> bool {
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

    pub(super) fn punctuation(&mut self, start: usize) {
        let text = &self.text[start..self.at];
        let Some(word) = PUNCTUATION.iter().find(|p| **p == text) else {
            return self.garbage_at(start);
        };
        let declares = self.mode == Mode::Declaration && self.open.is_empty();
        let is_c =
            matches!(self.stream.tokens.get(1), Some((_, Token::Word("static" | "extern"), _)));
        if *word == "{" && declares && is_c && self.previous() == Some(&Token::Word(")")) {
            // The body of a header's function: only its declaration counts.
            self.at = start + gnu::group_len(&self.text[start..]);
            self.push(start, Token::Word(";"));
            return self.finish_item();
        }
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
    pub(super) fn close(&mut self, word: &'static str, start: usize) -> bool {
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
    pub(super) fn close_before_semicolon(&mut self, start: usize) {
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

/// What closes a bracket.
pub(super) fn closing(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}
