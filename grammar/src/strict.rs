//! What Strand reads beyond D, as far as the text alone shows it.
//!
//! In: a program's texts. Out: an error for each `//` comment, for the option
//! `strict`. The checker tells of the rest, which has a meaning: loops, `if`, `defined()`.

use crate::cpp::token::{Kind, piece};
use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, SourceKind, Sources, Span};

/// What to do about an extension.
pub const HINT: &str = "leave the `strict` option out to use Strand's extensions";

/// Finds the extensions in the user's texts.
pub fn extensions(sources: &Sources) -> Vec<Diagnostic> {
    let users = sources.iter().filter(|(_, s)| s.kind != SourceKind::Library);
    users.flat_map(|(id, source)| of_text(id, &source.text)).collect()
}

fn of_text(source: SourceId, text: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let (mut at, mut first) = (0, true);
    while let Some(p) = piece(text, at) {
        at = p.end;
        let word = &text[p.start..p.end];
        match p.kind {
            Kind::Newline => first = true,
            Kind::Space => {}
            Kind::Comment if word.starts_with("//") => {
                let span = Span::new(source, p.start..p.end);
                let d = Diagnostic::error("D_SYNTAX", span, "a `//` comment is not part of D");
                found.push(d.hint(HINT));
            }
            Kind::Comment => {}
            // A control line, or the line that names an interpreter.
            Kind::Punct if word == "#" && first => {
                at = text[p.start..].find('\n').map_or(text.len(), |n| p.start + n);
            }
            _ => first = false,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_of_text() {
        let mut sources = Sources::new();
        let text = "#!/bin/x // y\nBEGIN // one\n/1/ /* // no */\n{ printf(\"a // b\"); }\n";
        sources.add("a.d", text, SourceKind::Script);
        sources.add("lib.d", "// a", SourceKind::Library);
        let found = extensions(&sources);
        let shown: Vec<_> =
            found.iter().map(|d| (d.primary.clone().map(|p| p.span.start), &*d.message)).collect();
        insta::assert_snapshot!(format!("{shown:?}"), @r#"[(Some(20), "a `//` comment is not part of D")]"#);
    }
}
