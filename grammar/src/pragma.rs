//! Control lines: `#pragma D …`, `#error`, `#line` and the rest.
//!
//! In: one line beginning with `#`. Out: a pragma for the compiler, nothing, or what is
//! wrong.

use crate::ast::{Ident, Pragma};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// Reads a control line.
pub fn control_line(line: &str, span: Span) -> Result<Option<Pragma>, Diagnostic> {
    let body = line.trim_start_matches('#').trim();
    let (word, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let rest = rest.trim();
    match word {
        // `# n "file"`, from a preprocessor.
        w if w.is_empty() || w.bytes().all(|c| c.is_ascii_digit()) => Ok(None),
        "line" | "ident" => Ok(None),
        "error" => Err(Diagnostic::error("D_PRAGERR", span, format!("#error: {rest}"))),
        "pragma" => pragma(rest, span),
        "define" | "include" | "if" | "ifdef" | "ifndef" | "undef" | "else" | "elif" | "endif" => {
            Err(Diagnostic::error(
                "D_PRAGCTL_INVAL",
                span,
                format!("`#{word}` needs the preprocessor"),
            )
            .hint("run with -C to preprocess the program"))
        }
        _ => Err(Diagnostic::error(
            "D_PRAGCTL_INVAL",
            span,
            format!("`#{word}` is not a control line"),
        )
        .hint("D knows #pragma, #error, #line and #ident; others need -C")),
    }
}

fn pragma(rest: &str, span: Span) -> Result<Option<Pragma>, Diagnostic> {
    let mut words = rest.split_whitespace();
    match words.next() {
        Some("D") => {}
        // Other systems' pragmas are none of ours.
        _ => return Ok(None),
    }
    let Some(word) = words.next() else {
        return Err(Diagnostic::error("D_PRAGMA_MALFORM", span, "`#pragma D` says nothing")
            .hint("write `#pragma D option name=value`"));
    };
    let args: Vec<String> = words.map(str::to_owned).collect();
    match word {
        "option" => {
            let [arg] = args.as_slice() else {
                return Err(Diagnostic::error(
                    "D_PRAGMA_MALFORM",
                    span,
                    "`#pragma D option` takes one option",
                )
                .hint("write `#pragma D option name` or `name=value`, without blanks"));
            };
            let (name, value) = match arg.split_once('=') {
                Some((n, v)) => (n, Some(v.to_owned())),
                None => (arg.as_str(), None),
            };
            Ok(Some(Pragma::Option { name: name.to_owned(), value, span }))
        }
        "attributes" | "binding" | "depends_on" => {
            let word = Ident { name: word.to_owned(), span };
            Ok(Some(Pragma::Other { word, args, span }))
        }
        _ => {
            Err(Diagnostic::error("D_PRAGMA_INVAL", span, format!("`{word}` is not a pragma of D"))
                .hint("there are option, attributes, binding and depends_on"))
        }
    }
}
