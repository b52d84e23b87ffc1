//! No text makes the lexer or parser panic.

use proptest::prelude::*;
use strand_grammar::diagnostic::render;
use strand_grammar::macros::Macros;
use strand_grammar::source::{SourceKind, Sources};
use strand_grammar::{NoTypes, ProbeSpec, Unit, UnitKind, parse};

fn check(text: &str) {
    for kind in [UnitKind::Script, UnitKind::Library, UnitKind::Probe(ProbeSpec::Name)] {
        let mut sources = Sources::new();
        let source = sources.add("fuzz.d", text, SourceKind::Script);
        let (_, diagnostics) =
            parse(&sources, &[Unit { source, kind }], &NoTypes, &Macros::default());
        render(&sources, &diagnostics, false);
    }
}

/// Pieces of D: soup of these reaches deeper than arbitrary bytes do.
const PIECES: &[&str] = &[
    "BEGIN",
    "tick-1s",
    "a:b:c:d",
    "/",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    "\"s\"",
    "'c'",
    "x",
    "self->x",
    "this->",
    "@a",
    "@",
    "=",
    "==",
    "+",
    "++",
    "->",
    ".",
    "1",
    "0x",
    "$1",
    "$$",
    "if",
    "else",
    "for",
    "while",
    "struct",
    "s",
    "int",
    "typedef",
    "inline",
    "translator",
    "<",
    ">",
    "provider",
    "probe",
    "sizeof",
    "xlate",
    "/*",
    "*/",
    "//",
    "\n",
    "#pragma D option q",
    "\\",
    "\"",
    "'",
    "?",
    ":",
    "`",
    "enum",
    "*",
    "&",
    "!",
    "~",
    "...",
    "count()",
    " ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn token_soup(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
        check(&pieces.join(" "));
    }
}

#[test]
fn deep_nesting_is_survived() {
    check(&format!("BEGIN {{ x = {}1{}; }}", "(".repeat(2000), ")".repeat(2000)));
    check(&format!("BEGIN {{ x = {}y; }}", "-".repeat(4001)));
    check(&"BEGIN { ".repeat(500));
}
