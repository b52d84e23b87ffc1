//! Whatever can be written as a statement is either refused or can be compiled.

use super::KnownTypes;
use crate::fixture::FixtureKernel;
use crate::options::Options;
use proptest::prelude::*;
use strand_grammar::macros::Macros;
use strand_grammar::source::{SourceKind, Sources};
use strand_grammar::{Unit, UnitKind};

/// What the statements can refer to.
const PRELUDE: &str = "\
struct shown { int number; char text[4]; };
translator struct shown < struct task_struct *t > { number = t->pid; text = \"a\"; };
BEGIN { x = 1; a[1] = 2; @a = count(); s = \"text\"; p = curthread; self->t = 5; }
";

const VALUES: &[&str] = &[
    "1",
    "x",
    "a[1]",
    "s",
    "p",
    "*p",
    "p->pid",
    "&x",
    "&p->pid",
    "NULL",
    "self->t",
    "this->c",
    "\"abc\"",
    "@a",
    "@a[1]",
    "@none",
    "count()",
    "trace(1)",
    "printf(\"x\")",
    "(void)0",
    "arg0",
    "xlate<struct shown *>(p)",
    "xlate<struct shown>(p)->text",
    "stack()",
    "x(1)",
    "nothing",
];
const BINARY: &[&str] =
    &["+", "-", "*", "/", "%", "<<", "==", "<", "&&", "^^", ",", "=", "+=", "-=", "<<=", "? 1 :"];
const AROUND: &[(&str, &str)] = &[
    ("-", ""),
    ("~", ""),
    ("!", ""),
    ("*", ""),
    ("&", ""),
    ("(", ")"),
    ("(", ")++"),
    ("a[", "]"),
    ("n[", "] = 1"),
    ("@k[", "] = count()"),
    ("@v = sum(", ")"),
    ("(char *)", ""),
    ("(struct shown)", ""),
    ("sizeof(", ")"),
    ("stringof(", ")"),
    ("trace(", ")"),
    ("printf(\"%d\", ", ")"),
    ("printf(", ")"),
    ("exit(", ")"),
    ("strlen(", ")"),
    ("trunc(@a, ", ")"),
    ("printa(", ")"),
];

fn expression() -> impl Strategy<Value = String> {
    let value = proptest::sample::select(VALUES).prop_map(str::to_owned);
    value.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), proptest::sample::select(BINARY), inner.clone())
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (proptest::sample::select(AROUND), inner)
                .prop_map(|((before, after), e)| format!("{before}{e}{after}")),
        ]
    })
}

/// Whether the program compiles; if not, something was reported.
fn compiles(text: &str) -> bool {
    let kernel = FixtureKernel::new();
    let mut sources = Sources::new();
    let source = sources.add("test.d", text, SourceKind::Script);
    let unit = Unit { source, kind: UnitKind::Script };
    let types = KnownTypes::new(&kernel);
    let (program, diagnostics) =
        strand_grammar::parse(&sources, &[unit], &types, &Macros::default());
    if !diagnostics.is_empty() {
        return false;
    }
    let (compiled, diagnostics) =
        crate::compile(&program, &mut sources, &kernel, &Options::default());
    assert!(compiled.is_some() || !diagnostics.is_empty(), "refused without a word: {text}");
    compiled.is_some()
}

#[test]
fn the_prelude_compiles() {
    assert!(compiles(PRELUDE));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn statements_are_refused_or_compile(e in expression(), predicate in expression()) {
        compiles(&format!("{PRELUDE}BEGIN {{ {e}; }}\n"));
        compiles(&format!("{PRELUDE}BEGIN /{predicate}/ {{ }}\n"));
    }
}
