//! Programs that D allows and that are large: they pass the verifier and print what they
//! must.
//!
//! In: nothing; the programs are made here. Where tracing is impossible the tests say why
//! and pass.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use support::{STRAND, skips};

mod support;

/// Runs a program; gives what it prints.
fn printed(program: &str, options: &[&str]) -> Option<String> {
    if skips() {
        return None;
    }
    // It may be longer than an argument can be.
    let mut strand = Command::new(STRAND)
        .arg("-q")
        .args(options)
        .arg("/dev/stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strand starts");
    let mut script = strand.stdin.take().expect("a pipe");
    script.write_all(program.as_bytes()).expect("it reads the script");
    drop(script);
    let output = strand.wait_with_output().expect("strand ends");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert_eq!(told, "");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn check(program: &str, expected: &str) {
    check_with(program, &[], expected);
}

fn check_with(program: &str, options: &[&str], expected: &str) {
    if let Some(printed) = printed(program, options) {
        assert_eq!(printed.trim_end(), expected.trim_end());
    }
}

/// What `f` gives for each number below `n`.
fn each(n: usize, f: impl Fn(usize) -> String) -> String {
    (0..n).map(f).collect()
}

fn list(n: usize, f: impl Fn(usize) -> String) -> String {
    (0..n).map(f).collect::<Vec<_>>().join(", ")
}

#[test]
fn clauses_of_one_probe() {
    for n in [200, 2000] {
        let clauses = each(n, |i| format!("BEGIN {{ n += {i}; }}\n"));
        let program = format!("int n;\n{clauses}BEGIN {{ printf(\"%d\", n); exit(0); }}");
        check(&program, &(n * (n - 1) / 2).to_string());
    }
}

#[test]
fn clauses_that_do_all_kinds_of_things() {
    let clauses = each(200, |i| {
        format!(
            "BEGIN /execname != \"{i}\"/ {{ s[{i}] = strjoin(execname, \"{i}\"); \
             this->x = \"{i}\"; @[this->x, pid] = count(); @q = quantize({i}); \
             self->v{} = {i}; t[\"k{i}\"] = {i}; }}\n",
            i % 20
        )
    });
    let end = "BEGIN { printf(\"%s %d %d\", s[199], self->v3, t[\"k199\"]); exit(0); }\n\
               END { trunc(@); trunc(@q); }";
    check(&format!("{clauses}{end}"), "strand199 183 199");
}

#[test]
fn clauses_of_two_probes_at_once() {
    let clauses = each(200, |i| format!("BEGIN, END {{ n += {i}; s = \"c{i}\"; }}\n"));
    let program = format!("{clauses}BEGIN {{ exit(0); }}\nEND {{ printf(\"%d %s\", n, s); }}");
    check(&program, "39800 c199");
}

/// They are more than one program: each in its turn, and none behind the one that ends tracing.
#[test]
fn clauses_by_thousands() {
    let mine = "syscall::kill:entry /pid == $target";
    // Most do nothing, so that the programs don't run for long: other threads' calls are missed where
    // they can take the processor meanwhile.
    let clauses = each(1500, |i| match i % 100 {
        0 => format!(
            "{mine} && self->next == {i} / 100/ {{ self->next++; n += {i}; \
             @[execname, {i} / 500] = count(); }}\n"
        ),
        _ => format!("{mine} && self->next == -{i}/ {{ self->next = 0; n = {i}; }}\n"),
    });
    let program = format!(
        "int n;\n{clauses}\
         {mine}/ {{ printf(\"%d %d\", n, self->next); exit(0); }}\n\
         {mine}/ {{ printf(\" behind the end\"); }}\n\
         END {{ printa(\" %s %d %@d\", @); }}"
    );
    let kill = "/bin/sh -c 'kill -0 $$'";
    check_with(&program, &["-c", kill], "10500 15 sh 0 5 sh 1 5 sh 2 5");
}

#[test]
fn structs_of_64_members() {
    let members = each(64, |i| format!("int f{i};\n"));
    let stores = each(64, |i| format!("a.f{i} = {i};\n"));
    let formats = ["%d"; 64].join(" ");
    let program = format!(
        "struct big {{\n{members}}};\nstruct big a, b, all[int];\n\
         BEGIN {{ {stores} b = a; all[7] = b; }}\n\
         BEGIN {{ printf(\"{formats}\\n\", {}); }}\n\
         BEGIN {{ printf(\"%d\", all[7].f42); exit(0); }}",
        list(64, |i| format!("b.f{i}"))
    );
    let numbers: Vec<_> = (0..64).map(|i| i.to_string()).collect();
    check(&program, &format!("{}\n42", numbers.join(" ")));
}

/// 30 variables, a printf of them all, keys and comparisons with each.
fn thirty_strings() -> (String, String) {
    let formats = ["%s"; 30].join(" ");
    let program = format!(
        "BEGIN {{ {} printf(\"{formats}\\n\", {}); }}\n\
         BEGIN {{ {} printf(\"%s\\n\", m[v3, \"3\"]); {} printf(\"%d\", c); exit(0); }}",
        each(30, |i| format!("v{i} = \"text{i}\";\n")),
        list(30, |i| format!("v{i}")),
        each(30, |i| format!("m[v{i}, \"{i}\"] = v{};\n", (i + 1) % 30)),
        each(30, |i| format!("c += v{i} == \"text{i}\";\n")),
    );
    let texts: Vec<_> = (0..30).map(|i| format!("text{i}")).collect();
    (program, format!("{}\ntext4\n30", texts.join(" ")))
}

#[test]
fn strings_in_one_clause() {
    let (program, expected) = thirty_strings();
    check(&program, &expected);
    check_with(&program, &["-x", "strsize=4096"], &expected);
}

#[test]
fn long_strings() {
    let program = r#"
        BEGIN {
            s = "abc";
            self->t = strjoin(s, "def");
            this->u = substr(self->t, 1, 4);
            m[self->t] = this->u;
            printf("%s %s %d %s\n", self->t, this->u, strlen(this->u), m["abcdef"]);
            printf("%d %d\n", self->t < this->u, self->t == "abcdef");
            @[self->t] = count();
            printf("%s %d %s\n", toupper(self->t), index(self->t, "de"), basename("/x/y"));
            exit(0);
        }
        END { printa("%s %@d", @); trunc(@); }"#;
    let expected = "abcdef bcde 4 bcde\n1 1\nABCDEF 3 y\nabcdef 1";
    // What a thread can have is less on some kernels.
    check_with(program, &["-x", "strsize=7600"], expected);
    check_with(&program.replace("self->", ""), &["-x", "strsize=16384"], expected);
}

#[test]
fn strings_that_are_long() {
    let long = "x".repeat(4000);
    let program = format!(
        "BEGIN {{ s = \"{long}\"; t = strjoin(s, \"y\"); printf(\"%d %d %d %s\", strlen(t), \
         index(t, \"xy\"), t == s, substr(t, 3998)); exit(0); }}"
    );
    check_with(&program, &["-x", "strsize=4096"], "4001 3999 0 xxy");
}

#[test]
fn nested_expressions() {
    let nest = |n: usize, f: &dyn Fn(usize, String) -> String, inner: &str| {
        (0..n).fold(inner.to_owned(), |e, i| f(i, e))
    };
    let ternaries = nest(200, &|i, e| format!("(x == {i} ? {} : {e})", 3 * i), "0");
    let texts = nest(30, &|i, e| format!("(x == {i} ? \"s{i}\" : {e})"), "\"none\"");
    let inner = nest(30, &|i, e| format!("(x > {} ? {e} : 0)", i as i64 - 100), "1");
    let sums = nest(200, &|_, e| format!("({e} + x)"), "0");
    let right = nest(200, &|_, e| format!("(x + {e})"), "0");
    let joins = nest(10, &|i, e| format!("strjoin({e}, substr(\"xyz\", {}, 1))", i % 3), "\"a\"");
    let both = (10..110).map(|i| format!("x != {i}")).collect::<Vec<_>>().join(" && ");
    let either = (10..110).map(|i| format!("x == {i}")).collect::<Vec<_>>().join(" || ");
    for (e, format, expected) in [
        (ternaries, "%d", "21"),
        (texts, "%s", "s7"),
        (inner, "%d", "1"),
        (sums, "%d", "1400"),
        (right, "%d", "1400"),
        (joins, "%s", "axyzxyzxyzx"),
        (both, "%d", "1"),
        (either, "%d", "0"),
    ] {
        check(&format!("BEGIN {{ x = 7; printf(\"{format}\", {e}); exit(0); }}"), expected);
    }
    let ifs =
        nest(30, &|i, e| format!("if (x >= {}) {{ {e} }} else x += 100;", i as i64 - 90), "x++;");
    check(&format!("BEGIN {{ x = 7; {ifs} printf(\"%d\", x); exit(0); }}"), "8");
}

#[test]
fn long_clauses() {
    let mut expected = String::new();
    for i in 0..100 {
        let _ = writeln!(expected, "{i} 1");
    }
    let prints = each(100, |i| format!("printf(\"{i} %d\\n\", pid == $pid);\n"));
    check(&format!("BEGIN {{ {prints} exit(0); }}"), &expected);
    let sums = each(100, |i| format!("@a{i} = sum({i});\n"));
    let truncs = each(100, |i| format!("trunc(@a{i});\n"));
    let program = format!("BEGIN {{ {sums} exit(0); }}\nEND {{ printa(\"%@d\", @a99); {truncs} }}");
    check(&program, "99");
    let formats = ["%d"; 100].join(" ");
    let program = format!(
        "BEGIN {{ x = 1; printf(\"{formats}\", {}); exit(0); }}",
        list(100, |i| format!("x + {i}"))
    );
    let numbers: Vec<_> = (1..=100).map(|i| i.to_string()).collect();
    check(&program, &numbers.join(" "));
}

#[test]
fn clauses_that_speculate() {
    let mut expected = String::new();
    for i in 0..100 {
        let _ = writeln!(expected, "{i}");
    }
    let clauses = each(100, |i| format!("BEGIN {{ speculate(self->s); printf(\"{i}\\n\"); }}\n"));
    let program = format!(
        "BEGIN {{ self->s = speculation(); }}\n{clauses}BEGIN {{ commit(self->s); }}\n\
         BEGIN {{ exit(0); }}"
    );
    check(&program, &expected);
}

#[test]
fn too_much_for_a_thread_is_said() {
    if skips() {
        return;
    }
    let program = "BEGIN { self->a = \"x\"; exit(0); }";
    let output = Command::new(STRAND)
        .args(["-q", "-x", "strsize=65536", "-e", program])
        .output()
        .expect("strand starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("thread-local variables take"), "{told}");
}
