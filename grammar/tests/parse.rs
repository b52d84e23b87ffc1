//! What parses, and what is said of what doesn't.

use strand_grammar::ast::*;
use strand_grammar::diagnostic::render;
use strand_grammar::macros::Macros;
use strand_grammar::source::{SourceKind, Sources};
use strand_grammar::{ProbeSpec, TypeNames, Unit, UnitKind, parse};

/// A kernel with one type.
struct OneType;

impl TypeNames for OneType {
    fn is_type(&self, _: Option<&str>, name: &str) -> bool {
        matches!(name, "task_t" | "dbuf_t" | "psinfo_t")
    }
}

fn parse_as(kind: UnitKind, text: &str, args: &[&str]) -> (Program, String) {
    let mut sources = Sources::new();
    let source = sources.add("test.d", text, SourceKind::Script);
    let macros = Macros {
        numbers: vec![("pid", 42)],
        args: args.iter().map(|s| (*s).to_owned()).collect(),
        name: "test.d".to_owned(),
        ..Macros::default()
    };
    let (program, diagnostics) = parse(&sources, &[Unit { source, kind }], &OneType, &macros);
    (program, render(&sources, &diagnostics, false))
}

/// A program and what is said of it.
fn errors(text: &str) -> String {
    format!("{text}\n-----\n{}", parse_as(UnitKind::Script, text, &[]).1)
}

#[track_caller]
fn ok(text: &str) -> Program {
    let (program, errors) = parse_as(UnitKind::Script, text, &["7", "name", "two words"]);
    assert_eq!(errors, "", "in {text}");
    program
}

fn clauses(p: &Program) -> Vec<&Clause> {
    p.items
        .iter()
        .filter_map(|i| match i {
            Item::Clause(c) => Some(c),
            _ => None,
        })
        .collect()
}

#[test]
fn programs_that_parse() {
    for text in [
        "BEGIN { trace(1); }",
        "BEGIN {}",
        "#!/usr/sbin/dtrace -s\n#pragma D option quiet\nBEGIN { exit(0) }",
        "syscall::read*:entry, syscall::write:entry /execname == \"a\" && arg0 / 2 > 1/ { @[probefunc] = count(); }",
        "tick-1sec { printf(\"%d\\n\", x++); }",
        "pid$1:::entry { self->t = timestamp; self->t = 0; }",
        "int x; string s[int, char *]; self int y; this struct foo *z; int a[5];",
        "typedef unsigned long long big_t; big_t b; BEGIN { b = (big_t)3; trace(sizeof (big_t)); }",
        "struct s { int a:3; struct { char c; }; union u { int x; } m[2]; }; struct s v;",
        "enum e { A, B = 3, C };\nBEGIN { trace(A); }",
        "inline int N = 3; inline string f[int a, int b] = a > b ? \"x\" : \"y\"; BEGIN { trace(f[1, 2]); }",
        "translator psinfo_t < struct task_struct *T > { pr_pid = T->tgid; };",
        "provider foo { probe a(int, char *s) : (string s); probe b__c(); };",
        "BEGIN { x = ((struct bio *)arg0)->bi_iter.bi_sector; y = *(int *)arg1; }",
        "BEGIN { trace(stringof(curthread->comm)); trace(sizeof x); trace(offsetof(struct a, b.c)); }",
        "BEGIN { trace(xlate <psinfo_t *>(curthread)->pr_pid); }",
        "BEGIN { if (a) trace(1); else if (b) { trace(2) } else trace(3); for (i = 0; i < 3; i++) { j += i; } while (j) j--; }",
        "BEGIN { a ^^ b; a && b || c; (task_t *)x; x * y; (x) - 1; (task_t)-1; }",
        "BEGIN { @a[1, \"x\"] = lquantize(x, 0, 10, 2); @ = sum(1); printa(@a); }",
        "BEGIN { trace(`max_pfn); trace(vmlinux`linux_banner); trace((zfs`dbuf_t *)arg0); }",
        "BEGIN { trace($1 + $pid); trace($2); trace($3); trace($$1); }",
        "BEGIN { trace('a'); trace('ab'); trace(0x1F); trace(017); trace(1ull); }",
        "fbt:ext4:ext4_*_write_end:entry { }\n// a comment\n*:::return /* another */ { }",
        "BEGIN { x = y = 1, z; x ? y : z; ++x; x--; !x; ~x; -x; &x; }",
        "BEGIN / x / y > 1 / { }",
    ] {
        ok(text);
    }
}

#[test]
fn probe_descriptions_fill_from_the_right() {
    let p = ok("a:b:c:d, x:y, n, :::q { }");
    let fields: Vec<_> = clauses(&p)[0]
        .probes
        .iter()
        .map(|d| [&*d.provider, &*d.module, &*d.function, &*d.name])
        .collect();
    assert_eq!(
        fields,
        [["a", "b", "c", "d"], ["", "", "x", "y"], ["", "", "", "n"], ["", "", "", "q"]]
    );
}

#[test]
fn modules_of_user_programs_are_paths() {
    let p = ok("uprobe:/bin/a-b.so.6:f:entry, usdt:./a:p:n { } pid12:/l/c++/x::return /pid/ { }");
    let fields = |i: usize, n: usize| {
        let d = &clauses(&p)[i].probes[n];
        [&*d.provider, &*d.module, &*d.function, &*d.name]
    };
    assert_eq!(fields(0, 0), ["uprobe", "/bin/a-b.so.6", "f", "entry"]);
    assert_eq!(fields(0, 1), ["usdt", "./a", "p", "n"]);
    assert_eq!(fields(1, 0), ["pid12", "/l/c++/x", "", "return"]);
    assert!(clauses(&p)[1].predicate.is_some());
    // Elsewhere it is a predicate, and where no `:` ends it.
    for text in ["syscall:::/pid == 1 ? 1 : 0/ { }", "uprobe:/pid/ { }", "pidgin:/1/ { }"] {
        let p = parse_as(UnitKind::Script, text, &[]).0;
        assert_eq!(clauses(&p).first().map(|c| c.probes[0].module.as_str()), Some(""), "{text}");
    }
}

#[test]
fn command_line_forms() {
    let first = |spec, text| {
        let (p, errors) = parse_as(UnitKind::Probe(spec), text, &[]);
        assert_eq!(errors, "");
        let c = clauses(&p)[0].clone();
        (c.probes[0].clone(), c.body.is_some())
    };
    let (d, body) = first(ProbeSpec::Function, "vmlinux:vfs_read");
    assert_eq!((&*d.module, &*d.function, &*d.name, body), ("vmlinux", "vfs_read", "", false));
    let (d, body) = first(ProbeSpec::Provider, "syscall { trace(1); }");
    assert_eq!((&*d.provider, body), ("syscall", true));
    assert_eq!(first(ProbeSpec::Id, "12").0.id, Some(12));
    assert_eq!(first(ProbeSpec::Name, "BEGIN").0.name, "BEGIN");
}

#[test]
fn several_errors_are_all_reported() {
    insta::assert_snapshot!(errors(
        "BEGIN { trace(1; x = ; y = 2; }\nEND { trace() ) }\ntick-1s { a b; }"
    ));
}

#[test]
fn unclosed_things_show_where_they_began() {
    insta::assert_snapshot!(errors("BEGIN {\n  trace(1);\n"));
    insta::assert_snapshot!(errors("BEGIN { trace(\"abc); }\n"));
    insta::assert_snapshot!(errors("/* abc\nBEGIN {}"));
    insta::assert_snapshot!(errors("BEGIN { trace(x]; }"));
}

#[test]
fn odd_programs() {
    insta::assert_snapshot!(errors(""));
    insta::assert_snapshot!(errors("\u{7f}ELF\u{2}\u{1}\u{1}\0\0\0\0"));
    insta::assert_snapshot!(errors("BEGIN { x = 1.5; y = 089; z = 99999999999999999999; }"));
    insta::assert_snapshot!(errors("BEGIN { trace($nope); trace($9); }"));
    insta::assert_snapshot!(errors("BEGIN\n"));
    insta::assert_snapshot!(errors("BEGIN { trace(1)\n trace(2); }"));
    insta::assert_snapshot!(errors("a:b:c:d:e { }"));
    insta::assert_snapshot!(errors("BEGIN { trace(((foo_t *)arg0)->x); y = sizeof (foo_t *); }"));
    insta::assert_snapshot!(errors("#define X 1\n#pragma D option\nBEGIN { }"));
}

/// On the command line declarations may come before the probe, but a word alone is one.
#[test]
fn declarations_on_the_command_line() {
    let name = UnitKind::Probe(ProbeSpec::Name);
    let kinds = |text: &str| {
        let (program, errors) = parse_as(name, text, &[]);
        assert_eq!(errors, "", "in {text}");
        program.items.iter().map(|i| matches!(i, Item::Clause(_))).collect::<Vec<_>>()
    };
    assert_eq!(kinds("int x; task_t *y; BEGIN { x = 1; }"), [false, false, true]);
    assert_eq!(kinds("task_t { }"), [true]);
    assert_eq!(kinds("task_t"), [true]);
}

/// `int*x` is a declaration unless `pspec` says otherwise.
#[test]
fn types_are_probes_with_pspec() {
    let program = ok("int*x;");
    assert!(!matches!(program.items[0], Item::Clause(_)));
    let program = ok("#pragma D option pspec\nint*x { }\nint y;\nBEGIN { }");
    let clauses = program.items.iter().filter(|i| matches!(i, Item::Clause(_))).count();
    assert_eq!(clauses, 2);
}

/// Of lines that are too long to be read, such as macros make, the part is shown that is meant.
#[test]
fn long_lines_are_cut() {
    let many = |text: &str, n| text.repeat(n);
    insta::assert_snapshot!(
        parse_as(
            UnitKind::Script,
            &format!(
                "BEGIN {{\n\t{}trace(]; {}\n}}",
                many("trace(\"ä\"); ", 90),
                many("x = 1; ", 90)
            ),
            &[]
        )
        .1
    );
    let far = format!("BEGIN {{ trace(1; {}}}\n", many("x = 1; ", 90));
    insta::assert_snapshot!(parse_as(UnitKind::Script, &far, &[]).1);
    let two = format!("BEGIN {{ {} trace((1); }}\n", many("x = 1; ", 90));
    insta::assert_snapshot!(parse_as(UnitKind::Script, &two, &[]).1);
}
