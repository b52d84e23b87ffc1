//! Scripts that were built: they print what the script prints, take its arguments, and say what
//! is wrong with them.
//!
//! What scripts print is in `tests/`, beside them: the same files say here what the programs
//! made of them have to print. Where tracing is impossible they say why and pass.

use std::fs;
use std::path::Path;
use support::{Folder, run_in, scripts, skips};

mod support;

/// Topics whose scripts say the same wherever and whenever they run.
const TOPICS: [&str; 11] = [
    "aggregations",
    "control-flow",
    "lexer",
    "macros",
    "output",
    "operators",
    "printf",
    "speculation",
    "strings",
    "types",
    "variables",
];

/// The arguments of a script that prints what stands in its `.out`, and no more is said of it.
fn plain(script: &Path) -> Option<String> {
    let text = String::from_utf8_lossy(&fs::read(script).ok()?).into_owned();
    let expected = fs::read_to_string(script.with_extension("out")).ok()?;
    if expected.contains("{{") || script.with_extension("err").exists() {
        return None;
    }
    let mut args = String::new();
    for line in text.lines().filter_map(|l| l.strip_prefix("//@")) {
        match line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
            Some(("args", value)) => args = value.to_owned(),
            _ => return None,
        }
    }
    Some(args)
}

#[test]
fn they_print_what_the_script_prints() {
    if skips() {
        return;
    }
    let folder = Folder::new("same");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let mut wrong = Vec::new();
    let mut done = 0;
    for script in TOPICS.iter().flat_map(|topic| scripts(&tests.join(topic))) {
        let Some(args) = plain(&script) else { continue };
        done += 1;
        let name = script.file_name().unwrap_or_default().to_string_lossy();
        let object = folder.0.join("script.bpf.o");
        let object = object.display();
        // An argument in a probe description has to be known early.
        let (early, late) = if name == "in-probe.d" { (args.as_str(), "") } else { ("", &*args) };
        let line = format!(
            "strand build --object -q {name} -o {object} {early} && strand run {object} -- {late}"
        );
        let (status, out, err) = run_in(script.parent().unwrap_or(Path::new(".")), &line);
        let expected = fs::read_to_string(script.with_extension("out")).unwrap_or_default();
        if out != expected {
            wrong.push(format!("{}: {status:?} {err}\n{out}", script.display()));
        }
    }
    assert!(done > 60, "only {done} scripts are plain");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

const SCRIPT: &str = r#"/* Counts opens of a process. */
#pragma D option quiet
BEGIN { printf("%d %s %d\n", $1, $$2, $target != 0); }
syscall::openat:entry /pid == $target && execname != $$2/ { n++; }
END { printf("%s\n", n > $1 ? "more" : "fewer"); }
"#;

#[test]
fn an_executable_needs_nothing_else() {
    if skips() {
        return;
    }
    let folder = Folder::new("alone");
    folder.write("opens.d", SCRIPT);
    let built = folder.run("strand build opens.d");
    assert_eq!(built, (Some(0), String::new(), String::new()));
    // Neither the script nor any environment.
    let line = "rm opens.d; env -i ./opens 0 nobody -c 'cat /dev/null'";
    assert_eq!(folder.run(line).1, "0 nobody 1\nmore\n\n");
    let line = "env -i ./opens -o out -- 1000 nobody & until [ -s out ]; do sleep 0.1; done; \
                kill -INT $!; wait $!; cat out";
    assert_eq!(folder.run(line).1, "1000 nobody 0\nfewer\n\n");
    // Tracing ends with the process.
    let line = "sleep 0.5 & env -i ./opens 0 nobody -p $! | head -n 1";
    assert_eq!(folder.run(line).1, "0 nobody 1\n");
    let (status, help, _) = folder.run("./opens --help");
    assert_eq!(status, Some(0));
    let start = "Counts opens of a process.\n\nUsage: opens [OPTIONS] ARG1 ARG2\n\nArguments:\n  \
                 ARG1  a number: $1 of the script\n  ARG2  text: $2 of the script\n\n\
                 The script is about the process of -c or -p.\n";
    assert!(help.starts_with(start), "{help}");
    // Those that may be missing.
    let line = "strand build -x defaultargs -e 'BEGIN { printf(\"%d\", $1); exit(0); }' -o d && ./d --help";
    assert!(folder.run(line).1.contains("Usage: d [OPTIONS] [ARG1]\n"), "{}", folder.run(line).1);
    assert_eq!(folder.run("./d -q").1, "0\n");
    let version = format!("opens (strand {})\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(folder.run("./opens --version").1, version);
}

/// What copies of stacks are unwound with is in executables, too.
#[test]
fn copied_stacks_are_unwound() {
    if skips() {
        return;
    }
    let folder = Folder::new("stacks");
    folder.write(
        "s.d",
        "#pragma D option quiet\n#pragma D option ustackcopy=8k\n\
         syscall::close:entry /pid == $target && arg0 == 4010/ { ustack(); exit(0); }",
    );
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/symbols/no-frame-pointers.c");
    let compile = format!("cc -O2 -fomit-frame-pointer -o program {source}");
    if folder.run(&compile).0 != Some(0) {
        return eprintln!("skipped: there is no compiler of C");
    }
    let (_, out, err) = folder.run("strand build s.d && ./s -c ./program");
    assert!(out.contains("program`sorts+") && out.contains("program`_start+"), "{out}{err}");
}

/// A symbol is where it is in the kernel that runs the executable.
#[test]
fn symbols_are_looked_up() {
    if skips() {
        return;
    }
    let folder = Folder::new("symbols");
    folder.write(
        "s.d",
        "BEGIN { printf(\"%a %d\", `vfs_read, (uintptr_t)&`vfs_read == $1); exit(0); }",
    );
    let address = "$(sed -n 's/^\\([0-9a-f]*\\) . vfs_read$/0x\\1/p' /proc/kallsyms)";
    let line = format!("strand build -q s.d && ./s {address}");
    assert_eq!(folder.run(&line).1, "vmlinux`vfs_read 1\n");
    // The object names it, and has it nowhere.
    let line = "strand build --object s.d && sed 's/`vfs_read/`vfs_reap/g' s.bpf.o >t.bpf.o && \
                strand run t.bpf.o 0 -q";
    let (status, _, err) = folder.run(line);
    assert!(err.starts_with("strand: `vfs_reap isn't there on this kernel ("), "{err}");
    assert_eq!(status, Some(1));
}

/// What it reads of an event is compared with what the event has on another kernel.
#[test]
fn arguments_are_those_of_the_kernel() {
    if skips() {
        return;
    }
    let folder = Folder::new("arguments");
    let script = "rawtp:::sched_switch { @[args[1]->pid != 0 || args[2] != 0] = count(); } tick-1s { exit(0); }";
    folder.write("a.d", script);
    let built = "strand build --object a.d && sed 's/\"release\":\"./\"release\":\"x/' a.bpf.o >b.bpf.o \
                 && strand run b.bpf.o -q -c true";
    let (status, _, err) = folder.run(built);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let line = "sed 's/struct task_struct \\*\"/struct tusk_struct *\"/' b.bpf.o >c.bpf.o && \
                strand run c.bpf.o -q -c true";
    let (status, _, err) = folder.run(line);
    assert_eq!(status, Some(1));
    let told = "its arguments are others here (arg1 is `struct task_struct *`, not `struct tusk_struct *`)";
    assert!(err.contains(told), "{err}");
    // Where probes may be missing it goes on without it.
    let line = "strand build --object -x zdefs a.d -o d.bpf.o && sed 's/\"release\":\"./\"release\":\"x/; \
                s/struct task_struct \\*\"/struct tusk_struct *\"/' d.bpf.o >e.bpf.o && strand run e.bpf.o -q -c true";
    let (status, _, err) = folder.run(line);
    assert_eq!(status, Some(0), "{err}");
    assert!(err.contains(told), "{err}");
}

#[test]
fn the_command_line_is_checked() {
    if skips() {
        return;
    }
    let folder = Folder::new("wrong");
    folder.write("opens.d", SCRIPT);
    assert_eq!(folder.run("strand build opens.d -o x").0, Some(0));
    let says = |line: &str, status: i32, what: &str| {
        let (code, _, err) = folder.run(line);
        assert!(err.contains(what) && !err.contains("panicked"), "{line}: {err}");
        assert_eq!(code, Some(status), "{line}: {err}");
    };
    says("./x 1", 2, "x: argument 2 ($2 of the script) is missing: 1 argument given");
    says("./x one two", 2, "x: the script takes $1 as a number, and 'one' is none");
    says("./x 1 two three", 2, "x: the program doesn't use the argument 'three'");
    says("./x 1 two -k", 2, "x: there is no option -k");
    says("./x 1 two -x strsize=9", 2, "x: the option strsize is built in");
    says("./x 1 two -x nothing", 1, "x: there is no option nothing");
    says(
        "./x 1 $(printf %0300d 7)",
        1,
        "x: $$2 is too long: it has 300 bytes, and room is for 263; `strand build -x strsize=300`",
    );
    says("cp x y && truncate -s -1 y && ./y 1 two", 1, "can't be run: there is no script in it");
    says("strand run opens.d", 1, "opens.d can't be run: it is no object that");
    says("strand -d object opens.d 1 two >z; strand run z", 1, "`strand build` didn't make it");
    says("strand run nowhere", 1, "nowhere can't be read");
    says("strand build -e 'BEGIN {}'", 2, "-o is needed");
    says("strand build opens.d -o opens.d", 2, "opens.d is the script itself");
    says("strand build opens.d -o /proc/nothing", 1, "/proc/nothing can't be written");
    says("cp $STRAND s && ./s build opens.d -o y", 1, "strand-native is missing, the runtime that");
    let system = "strand build -o y -e 'BEGIN { system(\"true\"); exit(0); }' && ";
    let says_no = "system() at <command line>:1 is destructive, which was not allowed: -w allows";
    says(&format!("{system} ./y"), 1, says_no);
    assert_eq!(folder.run("./y -qw").0, Some(0));
}

#[test]
fn what_must_be_known_early_is_told() {
    let folder = Folder::new("early");
    let refused = |program: &str, tag: &str| {
        let (status, _, err) = folder.run(&format!("strand build -o x -e '{program}'"));
        assert_eq!(status, Some(1), "{program}: {err}");
        assert!(err.contains(tag) && err.contains("`strand build SCRIPT ARGS`"), "{err}");
    };
    refused("tick-$1s { exit(0); }", "D_MACRO_LATE");
    refused("BEGIN { @ = lquantize(1, 0, $1, 1); }", "D_LQUANT_LIMTYPE");
    if skips() {
        return;
    }
    // One that is given early is known, and those after it are given late.
    folder.write("t.d", "tick-$1ms { printf(\"%d\\n\", $2); exit(0); }");
    assert_eq!(folder.run("strand build -q t.d 20 && ./t 7").1, "7\n\n");
}

/// As with a script: what it says itself comes last.
#[test]
fn options_come_in_the_order_of_the_script() {
    if skips() {
        return;
    }
    let folder = Folder::new("options");
    let script = "#pragma D option aggsortrev=no\nBEGIN { @[\"a\"] = sum(1); @[\"b\"] = sum(2); \
                  exit(0); }";
    folder.write("a.d", script);
    let (_, direct, _) = folder.run("strand -q -x aggsortrev a.d");
    let (_, built, _) = folder.run("strand build -q a.d && ./a -x aggsortrev");
    assert_eq!(built, direct);
    folder.write("b.d", &script.replace("#pragma D option aggsortrev=no", ""));
    let (_, direct, _) = folder.run("strand -q -x aggsortrev b.d");
    let (_, built, _) = folder.run("strand build -q b.d && ./b -x aggsortrev");
    assert_eq!(built, direct);
    assert_ne!(built, folder.run("./b").1);
}
