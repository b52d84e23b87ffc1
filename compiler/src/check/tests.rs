//! Whatever can be written as a statement is either refused or can be compiled.

use super::KnownTypes;
use crate::Compiled;
use crate::fixture::FixtureKernel;
use crate::kernel::Kernel;
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
    compiled(text).is_some()
}

fn compiled(text: &str) -> Option<Compiled> {
    compiled_with(text, &Options::default())
}

fn compiled_with(text: &str, options: &Options) -> Option<Compiled> {
    let kernel = FixtureKernel::new();
    let mut sources = Sources::new();
    let source = sources.add("test.d", text, SourceKind::Script);
    let unit = Unit { source, kind: UnitKind::Script };
    let types = KnownTypes::new(&kernel);
    let (program, diagnostics) =
        strand_grammar::parse(&sources, &[unit], &types, &Macros::default());
    if !diagnostics.is_empty() {
        return None;
    }
    let (compiled, diagnostics) = crate::compile(&program, &mut sources, &kernel, options);
    assert!(compiled.is_some() || !diagnostics.is_empty(), "refused without a word: {text}");
    compiled
}

#[test]
fn kernel_symbols_without_types() {
    let kernel = FixtureKernel::new();
    let address = |name| kernel.symbol(None, name).expect("a symbol").address;
    let (banner, function) = (address("linux_banner"), address("untyped_function"));
    let own = "((uintptr_t *)&`__per_cpu_offset)[cpu] + 0x33000";
    for (symbol, meaning) in [
        ("`linux_banner", format!("*(uintptr_t *){banner:#x}")),
        ("&`linux_banner + 1", format!("(uintptr_t *){banner:#x} + 1")),
        ("`untyped_function", format!("(void *){function:#x}")),
        ("(char *)`untyped_function + 1", format!("(char *){function:#x} + 1")),
        ("&`untyped_function", format!("(void *){function:#x}")),
        ("`untyped_of_each_cpu", format!("*(uintptr_t *)({own})")),
        ("&`untyped_of_each_cpu", format!("(uintptr_t *)({own})")),
        ("genunix`linux_banner", format!("*(uintptr_t *){banner:#x}")),
        ("(int)vmlinux`linux_banner", format!("(int)*(uintptr_t *){banner:#x}")),
    ] {
        let ir = |e: &str| {
            let program = format!("BEGIN {{ this->x = (uintptr_t)({e}); trace(this->x); }}");
            let options = Options { keep_passes: true, ..Options::default() };
            let compiled = compiled_with(&program, &options);
            let passes = compiled.unwrap_or_else(|| panic!("refused: {e}")).passes;
            // Where faults still tell of themselves alike; without places in the text, and what
            // becomes of faults, which tells them.
            let alike = passes.iter().take_while(|(pass, _)| *pass != "params");
            let ir = alike.last().map(|(_, ir)| ir.as_str()).unwrap_or_default();
            let code = ir.lines().filter_map(|l| l.split("  ;").next());
            code.filter(|l| !l.contains("faultpc") && !l.contains("jump"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(ir(symbol), ir(&meaning), "{symbol}");
    }
    assert!(compiles("BEGIN { printf(\"%p %a\", `untyped_function, `untyped_function); }"));
    // Where it is, any pointer may point to, but not to each other `uintptr_t`.
    assert!(compiles("BEGIN /curthread == (void *)0 || curthread == &`linux_banner/ { }"));
    assert!(compiles("int x[struct task_struct *]; BEGIN { x[&`linux_banner] = 1; }"));
    assert!(!compiles("uintptr_t y; BEGIN /curthread == &y/ { }"));
    assert!(!compiles("BEGIN /curthread == (uintptr_t *)1/ { }"));
}

/// What runs elsewhere has no address of this kernel's in it.
#[test]
fn symbols_of_other_kernels() {
    let kernel = FixtureKernel::new();
    let symbols = ["linux_banner", "untyped_function", "untyped_of_each_cpu"];
    let text = symbols.map(|s| format!("trace((uintptr_t)&`{s});")).concat();
    let options = Options { portable: true, ..Options::default() };
    let compiled = compiled_with(&format!("BEGIN {{ {text} }}"), &options).expect("it compiles");
    let names: Vec<_> = compiled.manifest.macros.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(
        names,
        ["`linux_banner", "`untyped_function", "`__per_cpu_offset", "`untyped_of_each_cpu"]
    );
    let ir = compiled.ir.to_string();
    for symbol in symbols {
        let address = kernel.symbol(None, symbol).expect("a symbol").address;
        assert!(
            !ir.contains(&format!("{address:#x}")) && !ir.contains(&address.to_string()),
            "{ir}"
        );
        assert!(!ir.contains(&address.cast_signed().to_string()), "{ir}");
    }
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

/// What is numbered otherwise on other kernels isn't a constant in what is for all of them.
#[test]
fn constants_of_the_kernel() {
    let text = "BEGIN { trace(REQ_OP_FLUSH); trace(defined(REQ_OP_READ) ? 1 << REQ_OP_READ : 7);
        trace(offsetof(struct request, state)); trace(sizeof (struct request));
        trace(((struct request *)curthread)->state == MQ_RQ_COMPLETE); trace(defined(NO_SUCH)); }";
    let asked = |portable: bool| {
        let options = Options { portable, ..Options::default() };
        let compiled = compiled_with(text, &options).expect("it compiles");
        let ir = compiled.ir.to_string();
        let asks = ir.lines().filter_map(|l| l.trim().split("= info.").nth(1));
        asks.filter_map(|l| l.split(" ;").next()).map(|l| l.trim().to_owned()).collect::<Vec<_>>()
    };
    // Where the member is that is read.
    assert_eq!(asked(false), ["offset field:0"]);
    let expected = "enum_value field:0, exists field:1, enum_value field:1, offset field:2, \
                    type_size field:3, offset field:4, enum_value field:5";
    assert_eq!(asked(true).join(", "), expected);
}
