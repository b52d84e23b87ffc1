//! Control lines: `#pragma D …`, `#error`, `#line` and the rest.
//!
//! In: one line beginning with `#`. Out: a pragma for the compiler, nothing, or what is
//! wrong.

use crate::ast::{Ident, Pragma};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::stability::Attributes;

/// Reads a control line.
pub fn control_line(line: &str, span: Span) -> Result<Option<Pragma>, Diagnostic> {
    let body = line.trim_start_matches('#').trim();
    let (word, rest) = body.split_once(char::is_whitespace).unwrap_or((body, ""));
    let rest = rest.trim();
    match word {
        // `# n "file"`, from a preprocessor.
        w if w.is_empty() || w.bytes().all(|c| c.is_ascii_digit()) => Ok(None),
        "line" | "ident" => Ok(None),
        "error" => error(rest.to_owned(), span).map(|()| None),
        "pragma" => pragma(rest, span),
        "define" | "include" | "if" | "ifdef" | "ifndef" | "undef" | "else" | "elif" | "endif" => {
            Err(Diagnostic::error(
                "D_PRAGCTL_INVAL",
                span,
                format!("`#{word}` needs the preprocessor"),
            )
            .classic(format!("invalid control directive: #{word}"))
            .hint("run with -C to preprocess the program"))
        }
        _ => Err(Diagnostic::error(
            "D_PRAGCTL_INVAL",
            span,
            format!("`#{word}` is not a control line"),
        )
        .classic(format!("invalid control directive: #{word}"))
        .hint("D knows #pragma, #error, #line and #ident; others need -C")),
    }
}

fn error(text: String, span: Span) -> Result<(), Diagnostic> {
    let words = text.replace('"', "");
    Err(Diagnostic::error("D_PRAGERR", span, format!("#error: {text}"))
        .classic(format!("#error: {words} ")))
}

/// Whether a pragma's words are of the kind that it takes.
fn form(word: &str, args: &[String], span: Span) -> Result<(), Diagnostic> {
    let (takes, right, wrong) = match word {
        "attributes" => {
            let attributes = |a: &String| a.parse::<Attributes>().is_ok();
            ("<attributes> <ident>", args.first().is_none_or(attributes), "attributes")
        }
        "binding" => {
            let version = |a: &String| is_version(a.trim_matches('"'));
            ("\"version\" <ident>", args.first().is_none_or(version), "version string")
        }
        _ => {
            let classes = ["provider", "module", "library"];
            ("<class> <name>", args.first().is_none_or(|a| classes.contains(&a.as_str())), "class")
        }
    };
    if args.len() < 2 {
        let message = format!("`#pragma D {word}` takes {takes}");
        return Err(Diagnostic::error("D_PRAGMA_MALFORM", span, message)
            .classic(format!("malformed #pragma {word} {takes}")));
    }
    if right {
        return Ok(());
    }
    let first = &args[0];
    let hint = match word {
        "attributes" => "write name/data/class, such as Stable/Stable/Common",
        "binding" => "write a version such as \"1.6\"",
        _ => "the class is provider, module or library",
    };
    let classic = match word {
        "depends_on" => format!("invalid class {first} specified by #pragma {word}"),
        _ => format!("invalid {wrong} specified by #pragma {word}"),
    };
    Err(Diagnostic::error("D_PRAGMA_INVAL", span, format!("`{first}` is no {wrong}"))
        .classic(classic)
        .hint(hint))
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|p| p.parse::<u16>().is_ok())
}

fn pragma(rest: &str, span: Span) -> Result<Option<Pragma>, Diagnostic> {
    let mut words = rest.split_whitespace();
    match words.next() {
        Some("D") => {}
        Some("error") => return error(words.collect::<Vec<_>>().join(" "), span).map(|()| None),
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
        "error" => error(args.join(" "), span).map(|()| None),
        "ident" | "line" => Ok(None),
        "attributes" | "binding" | "depends_on" => {
            form(word, &args, span)?;
            let word = Ident { name: word.to_owned(), span };
            Ok(Some(Pragma::Other { word, args, span }))
        }
        _ => {
            Err(Diagnostic::error("D_PRAGMA_INVAL", span, format!("`{word}` is not a pragma of D"))
                .classic(format!("invalid D pragma: {word}"))
                .hint("there are option, attributes, binding and depends_on"))
        }
    }
}
