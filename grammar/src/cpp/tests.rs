//! The preprocessor's own tests: programs in, programs out.

use super::*;
use crate::diagnostic::render;

struct Texts(Vec<(&'static str, &'static str)>);

impl Headers for Texts {
    fn read(&self, path: &str) -> Option<String> {
        self.0.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned())
    }
}

fn settings() -> Settings {
    Settings {
        name: "a.d".to_owned(),
        system_folders: vec!["/inc".to_owned(), "/more".to_owned()],
        date: "Jan  1 2026".to_owned(),
        time: "12:00:00".to_owned(),
        ..Settings::default()
    }
}

fn run_with(text: &str, settings: &Settings, headers: Vec<(&'static str, &'static str)>) -> String {
    let done = preprocess(text, settings, &Texts(headers));
    let told = render(&done.sources, &done.diagnostics, false);
    format!("{}{told}", done.text)
}

/// Without the mark that all texts begin with.
fn run(text: &str) -> String {
    let out = run_with(text, &settings(), Vec::new());
    out.strip_prefix("# 1 \"a.d\"\n").map_or(out.clone(), str::to_owned)
}

fn places(text: &str) -> String {
    let done = preprocess(text, &settings(), &Texts(Vec::new()));
    let place = |d: &Diagnostic| {
        let span = d.primary.as_ref().map(|p| p.span).unwrap_or_default();
        format!("{}: {}\n", done.sources.line(span), d.message)
    };
    done.diagnostics.iter().map(place).collect()
}

#[test]
fn text_that_is_no_c_is_left_alone() {
    let text = "#!/usr/sbin/dtrace -Cs\n\
        syscall::read*:entry, pid$target:::\t/* why\n  not */  /arg0 == $1 && execname == $$2/\n\
        { @a[`max_pfn, ^^x] = count(); // more\n  y = \\\n 'a'; }\n";
    insta::assert_snapshot!(run(text), @r"
    syscall::read*:entry, pid$target:::	      
              /arg0 == $1 && execname == $$2/
    { @a[`max_pfn, ^^x] = count();        
      y =  'a'; }
    ");
}

#[test]
fn macros_expand() {
    let text = "#define N 10ms\n#define ADD(a, b) ((a) + (b))\n#define STR(x) #x\n\
        #define CAT(a, b) a##b\n#define LOG(f, ...) printf(f, ##__VA_ARGS__)\n#define EMPTY\n\
        tick-N { x = ADD(1, ADD(2,3)); }\nSTR( a  \"b\\n\" 'c' ) CAT(x, N) CAT(,y)\n\
        LOG(\"a\") LOG(\"a\", 1, (2,3))\n-EMPTY- @EMPTY@a ADD (1,\n  2) end\nADD\n";
    insta::assert_snapshot!(run(text), @r#"
    tick-10ms { x = ((1) + (((2) + (3)))); }
    "a \"b\\n\" 'c'" xN y
    printf("a") printf("a",1, (2,3))
    - - @@a ((1) + (2))
     end
    ADD
    "#);
}

#[test]
fn optional_parts() {
    let text = "#define F(a, ...) f(a __VA_OPT__(,) __VA_ARGS__)\n#define G(...) x ## __VA_OPT__(y __VA_ARGS__)\n\
        F(1) F(1, 2) F() G() G(z)\n#define H(...) __VA_OPT__(\n";
    insta::assert_snapshot!(run(text), @r"
    f(1) f(1 , 2) f() x xy z
    error[D_CPP]: unterminated __VA_OPT__
      --> a.d:4:1
      |
    4 | #define H(...) __VA_OPT__(
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn macros_do_not_call_themselves() {
    let text = "#define f(a) a*g\n#define g(a) f(a)\nf(2)(9)\n#define x x y\n#define y x\nx y\n\
        #define z z[0]\nz\n#define foo foo(1)\nfoo\n";
    insta::assert_snapshot!(run(text), @r"
    2*9*g


    x x x y

    z[0]

    foo(1)
    ");
}

/// The example of the C standard, 6.10.3.5.
#[test]
fn the_standards_example() {
    let text = "#define x 3\n#define f(a) f(x * (a))\n#undef x\n#define x 2\n#define g f\n\
        #define z z[0]\n#define h g(~\n#define m(a) a(w)\n#define w 0,1\n#define t(a) a\n\
        #define p() int\n#define q(x) x\n#define r(x,y) x ## y\n#define str(x) # x\n\
        f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);\n\
        g(x+(3,4)-w) | h 5) & m\n(f)^m(m);\n\
        p() i[q()] = { q(1), r(2,3), r(4,), r(,5), r(,) };\n\
        char c[2][6] = { str(hello), str() };\n";
    insta::assert_snapshot!(run(text), @r#"
    # 15 "a.d"
    f(2 * (y+1)) + f(2 * (f(2 * (z[0])))) % f(2 * (0)) + t(1);
    f(2 * (2+(3,4)-0,1)) | f(2 * (~ 5)) & f(2 * (0,1))
    ^m(0,1);
    int i[] = { 1, 23, 4, 5,  };
    char c[2][6] = { "hello", "" };
    "#);
}

#[test]
fn builtin_macros() {
    let text = "__FILE__ __LINE__\n__DATE__ __TIME__ __COUNTER__ __COUNTER__\n\
        #line 70 \"b\\\\c\"\n__LINE__ __FILE__ __BASE_FILE__\n";
    insta::assert_snapshot!(run(text), @r#"
    "a.d" 1
    "Jan  1 2026" "12:00:00" 0 1
    # 70 "b\\c"
    70 "b\\c" "a.d"
    "#);
}

#[test]
fn conditions() {
    for (condition, holds) in [
        ("1 + 2 * 3 == 7", true),
        ("(1 ? 2 : 3) == 2 && !0", true),
        ("-1 < 0u", false),
        ("-1 >> 1 == -1", true),
        ("defined X || defined(Y)", false),
        ("defined __linux__ && __LP64__", true),
        ("'a' == 97 && '\\n' == 10 && '\\x41' == 'A'", true),
        ("0 && 1 / 0", false),
        ("0x10 == 16 && 010 == 8 && 10ull == 10", true),
        ("nothing", false),
        ("__has_include(<there.h>) && !__has_include(\"not.h\")", true),
        ("7 % 4 == 3 && ~0 == -1 && (6 ^ 3) == 5", true),
        ("1 == 1L, 0", false),
        ("9223372036854775807 + 1 < 0", true),
        ("18446744073709551615 > 0", true),
    ] {
        let text = format!("#if {condition}\nyes\n#else\nno\n#endif\n");
        let out = run_with(&text, &settings(), vec![("/inc/there.h", "")]);
        assert_eq!(out.contains("yes"), holds, "{condition}: {out}");
        assert!(!out.contains("error"), "{out}");
    }
}

#[test]
fn groups() {
    let text = "#ifdef A\na\n#elif 1\nb\n#  if 0\nc\n#  else\nd\n#  endif\n#else\ne\n#error no\n#endif\n\
        #ifndef A\nf\n#elif 1/0\n#endif\n#if 0\n'lone\n/* #else\n*/ #unknown\n#endif\ng\n";
    insta::assert_snapshot!(run(text), @r"
    b



    d






    f







    g
    ");
}

#[test]
fn headers() {
    let headers = vec![
        ("x.h", "#ifndef X\n#define X 1\nx __INCLUDE_LEVEL__ __FILE__\n#include <s.h>\n#endif\n"),
        ("/inc/s.h", "s\n#include_next <s.h>\n"),
        ("/more/s.h", "#pragma once\nmore\n"),
    ];
    let text = "one\n#include \"x.h\"\n#define H <s.h>\n#include H\n#include \"x.h\"\nX two\n";
    insta::assert_snapshot!(run_with(text, &settings(), headers), @r#"
    # 1 "a.d"
    one
    # 1 "x.h" 1


    x 1 "x.h"
    # 1 "/inc/s.h" 1 3
    s
    # 1 "/more/s.h" 1 3

    more
    # 3 "/inc/s.h" 2 3
    # 5 "x.h" 2
    # 3 "a.d" 2
    # 1 "/inc/s.h" 1 3
    s
    # 5 "a.d" 2
    # 1 "x.h" 1
    # 6 "a.d" 2
    1 two
    "#);
}

#[test]
fn pragmas_and_definitions_are_passed_on() {
    let text = "  # pragma  D option quiet /* x */\n#define D E\n#pragma D option strsize=3\n#ident \"x\"\nD\n\
        #pragma push_macro(\"D\")\n#define D F\nD\n#pragma pop_macro(\"D\")\nD\n";
    insta::assert_snapshot!(run(text), @r#"
    #pragma  D option quiet

    #pragma D option strsize=3
    #ident "x"
    E


    F

    E
    warning[D_CPP]: "D" redefined
      --> a.d:7:1
      |
    2 | #define D E
      | ----------- this is the location of the previous definition
      .
    7 | #define D F
      | ^^^^^^^^^^^
    "#);
}

#[test]
fn far_lines_are_marked() {
    let text = format!("a\n#if 0\n{}#endif\nb\n#if 0\n\n#endif\nc\n", "\n".repeat(20));
    insta::assert_snapshot!(run(&text), @r#"
    a
    # 24 "a.d"
    b



    c
    "#);
}

#[test]
fn traditional() {
    let settings = Settings { dialect: Dialect::Traditional, ..settings() };
    let text = "#define S(x) \"x and x\"\n#define P(a,b) a/**/b\nS(me) P(u,v) # x\n\
        #ifdef __STDC__\n#error\n#endif\n";
    insta::assert_snapshot!(run_with(text, &settings, Vec::new()), @r#"
    # 1 "a.d"


    "me and me" uv # x
    "#);
}

#[test]
fn the_command_line() {
    let settings = Settings {
        command_line: "#define A 1\n#define B(x) <x>\n#undef __linux__\n".to_owned(),
        ..settings()
    };
    let text = "A B(b) __linux__\n";
    insta::assert_snapshot!(run_with(text, &settings, Vec::new()), @r#"
    # 1 "a.d"
    1 <b> __linux__
    "#);
    let settings = Settings { only_macros: true, ..settings };
    let out = run_with("#define C(a, ...) a##b #a __VA_ARGS__\n", &settings, Vec::new());
    let of_ours: Vec<&str> =
        out.lines().filter(|l| ["A", "B", "C"].iter().any(|n| l[8..].starts_with(n))).collect();
    insta::assert_snapshot!(of_ours.join("\n"), @r"
    #define A 1
    #define B(x) <x>
    #define C(a,...) a ## b #a __VA_ARGS__
    ");
}

#[test]
fn errors_are_gathered() {
    insta::assert_snapshot!(run("ok\n#if X\n#else\n#else\n"), @r"
    ok
    error[D_CPP]: #else after #else
      --> a.d:4:1
      |
    2 | #if X
      | ----- the conditional began here
    3 | #else
    4 | #else
      | ^^^^^

    error[D_CPP]: unterminated #else
      --> a.d:2:1
      |
    2 | #if X
      | ^^^^^
      = help: end it with #endif
    ");
    insta::assert_snapshot!(places(
        "#define\n#define 1\n#define f(a\n#define g(a,a) a\n#define h(a) #b\n#define i ## x\n\
         #else\n#endif\n#elif 1\n#if\n#endif\n#if !defined\n#endif\n#if 1 2\n#endif\n#if (1\n\
         #endif\n#if 1 +\n#endif\n#if 1 / 0\n#endif\n#if 1.5\n#endif\n#if 1 == \"a\"\n#endif\n\
         #include\n#include <no.h>\n#include \"\"\n#nothing\n#error one  two\n#line x\n\
         #define defined\n#define j(a) a\nj(1,2)\nj\n#define k(a,b) a##b\nk(1)\nk(+,;)\n\
         #undef 3\n#define j 1\n#ifdef\n#endif x\n#warning w\n/* open"
    ), @r#"
    1: no macro name given in #define directive
    2: macro names must be identifiers
    3: expected ')' before end of line
    4: duplicate macro parameter "a"
    5: '#' is not followed by a macro parameter
    6: '##' cannot appear at either end of a macro expansion
    7: #else without #if
    8: #endif without #if
    9: #elif without #if
    10: #if with no expression
    12: operator "defined" requires an identifier
    14: missing binary operator before token "2"
    16: missing ')' in expression
    18: operator '+' has no right operand
    20: division by zero in #if
    22: floating constant in preprocessor expression
    24: token ""a"" is not valid in preprocessor expressions
    26: #include expects "FILENAME" or <FILENAME>
    27: no.h: No such file or directory
    28: empty filename in #include
    29: invalid preprocessing directive #nothing
    30: #error one  two
    31: "x" after #line is not a positive integer
    32: "defined" cannot be used as a macro name
    34: macro "j" passed 2 arguments, but takes just 1
    37: macro "k" requires 2 arguments, but only 1 given
    38: pasting "+" and ";" does not give a valid preprocessing token
    39: macro names must be identifiers
    40: "j" redefined
    41: no macro name given in #ifdef directive
    42: extra tokens at end of #endif directive
    43: #warning w
    44: unterminated comment
    "#);
}

#[test]
fn growth_is_bounded() {
    let mut text = String::from("#define A0 x x\n");
    for i in 1..60 {
        text += &format!("#define A{i} A{} A{}\n", i - 1, i - 1);
    }
    text += "A59 A59\n";
    assert_eq!(places(&text), "61: this macro expands to more than can be held\n".repeat(2));
    let nested = format!("#define f(x) x\n{}1{}\n", "f(".repeat(400), ")".repeat(400));
    assert!(places(&nested).contains("nested too deeply"));
    let parens = format!("#if {}1{}\n#endif\n", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(places(&parens), "1: #if is nested too deeply\n");
    let headers = vec![("a.d", "#include \"a.d\"\n#include \"a.d\"\n")];
    let out = run_with("#include \"a.d\"\n#include \"a.d\"\n", &settings(), headers);
    assert!(out.contains("exceeds maximum"));
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn word() -> impl Strategy<Value = String> {
        const WORDS: &[&str] = &[
            "#",
            "##",
            "define",
            "undef",
            "if",
            "ifdef",
            "else",
            "elif",
            "endif",
            "include",
            "A",
            "B",
            "f",
            "(",
            ")",
            ",",
            "...",
            "__VA_ARGS__",
            "\"",
            "'",
            "/*",
            "*/",
            "//",
            "\\\n",
            "\n",
            " ",
            "defined",
            "1",
            "0x",
            "+",
            "?",
            ":",
            "<a.h>",
            "\"a.h\"",
            "line",
            "pragma",
            "@",
            "`",
            "$x",
            "é",
            "__LINE__",
            "__COUNTER__",
            "\n#define ",
            "\n#if ",
            "\n#endif\n",
            "\n#include ",
            "A(",
            "f(",
        ];
        prop_oneof![4 => proptest::sample::select(WORDS).prop_map(str::to_owned), 1 => ".{0,4}"]
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(words in proptest::collection::vec(word(), 0..60)) {
            let text: String = words.concat();
            let headers = Texts(vec![("a.h", "#define A f\n#define f(x) x #x A(x)\n"), ("/inc/a.h", "B")]);
            for dialect in [Dialect::C99, Dialect::Traditional] {
                let done = preprocess(&text, &Settings { dialect, ..settings() }, &headers);
                for d in &done.diagnostics {
                    let _ = render(&done.sources, std::slice::from_ref(d), false);
                }
            }
        }

        /// Text without anything of the preprocessor comes out as it went in.
        #[test]
        fn plain_text_is_kept(text in "[a-z@`$:*/{}()=;, \n\"']{0,80}") {
            prop_assume!(!text.contains("//") && !text.contains("/*"));
            let out = run(&text);
            prop_assert_eq!(out.trim_end(), text.trim_end());
        }
    }
}
