//! What C headers contain that D's grammar has no word for.
//!
//! In: words of declarations. Out: what stands for them. Compilers' keywords are C's under
//! another name, or change nothing that D could know; attributes are skipped with their
//! parentheses, and the bodies of functions with their braces.

use crate::lexer::{skip_comment, skip_quoted};
use crate::token::{Raw, Token};
use logos::Logos;

/// What a compiler's word is.
#[derive(Clone, Debug, PartialEq)]
pub enum Gnu {
    /// Nothing.
    Ignored,
    /// Nothing, together with the parentheses after it.
    Parenthesised,
    /// This.
    Is(Token),
}

/// What this word is, if it is a compiler's.
pub fn word(text: &str) -> Option<Gnu> {
    if !text.starts_with('_') {
        return None;
    }
    Some(match text {
        "__inline" | "__inline__" | "__extension__" | "__restrict" | "__restrict__"
        | "_Noreturn" | "__thread" | "_Thread_local" => Gnu::Ignored,
        "__attribute__" | "__attribute" | "__asm__" | "__asm" | "_Alignas" => Gnu::Parenthesised,
        "__const" | "__const__" => Gnu::Is(Token::Word("const")),
        "__volatile" | "__volatile__" => Gnu::Is(Token::Word("volatile")),
        "__signed" | "__signed__" => Gnu::Is(Token::Word("signed")),
        "__builtin_va_list" => Gnu::Is(Token::Word("long")),
        // Only in prototypes of functions, which D can't call.
        "_Float16" | "_Float32" | "_Float64" | "_Float128" | "_Float32x" | "_Float64x" => {
            Gnu::Is(Token::Word("double"))
        }
        "_Bool" => Gnu::Is(Token::TypeName(text.to_owned())),
        _ => return None,
    })
}

/// The length of a balanced group that begins with an opening bracket, or of all the text
/// if it is never closed.
pub fn group_len(text: &str) -> usize {
    let mut lexer = Raw::lexer(text);
    let mut depth = 0;
    while let Some(token) = lexer.next() {
        match token {
            Ok(Raw::CommentStart) => skip_comment(&mut lexer),
            Ok(Raw::Quote) => skip_quoted(&mut lexer, b'"'),
            Ok(Raw::Apostrophe) => skip_quoted(&mut lexer, b'\''),
            Ok(Raw::Punctuation) => match lexer.slice() {
                "(" | "{" | "[" => depth += 1,
                ")" | "}" | "]" => {
                    depth -= 1;
                    if depth == 0 {
                        return lexer.span().end;
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    text.len()
}
