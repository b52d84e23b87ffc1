//! A whole session as its user sees it: signals, drops, exit, rights.
//!
//! Each test traces a workload of its own and nothing else. Where tracing is impossible
//! they say why and pass.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::{Folder, STRAND, patience, skips, started};

mod support;

/// Calls of write(2) that the workload makes.
const CALLS: u64 = 300_000;

/// The workload: as many writes of one byte as the machine can do, and nothing else.
fn workload() -> String {
    format!("dd if=/dev/zero of=/dev/null bs=1 count={CALLS} status=none")
}

fn strand(args: &[&str]) -> Output {
    Command::new(STRAND).args(args).stdin(Stdio::null()).output().expect("strand starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn signal(child: &Child, signal: i32) {
    // SAFETY: kill(2) takes no memory; the process is our child and was not waited for.
    let done = unsafe { libc::kill(child.id() as i32, signal) };
    assert_eq!(done, 0);
}

#[test]
fn interrupted_it_prints_end_and_aggregations() {
    if skips() {
        return;
    }
    let (mut child, mut out) = started(
        r#"BEGIN { printf("go\n"); @interrupted["x"] = sum(41); }
           END { printf("over\n"); @interrupted["x"] = sum(1); }"#,
    );
    signal(&child, libc::SIGINT);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    assert!(child.wait().expect("it ends").success());
    let lines: Vec<Vec<&str>> = rest.lines().map(|l| l.split_whitespace().collect()).collect();
    assert!(lines.contains(&vec!["over"]), "{rest}");
    assert!(lines.contains(&vec!["x", "42"]), "{rest}");
}

/// Maps of this name in the kernel.
fn maps_named(name: &str) -> usize {
    libbpf_rs::query::MapInfoIter::default()
        .filter(|map| map.name.to_string_lossy().contains(name))
        .count()
}

/// Waits until no map of this name is left, so none of the programs that use it, and none of
/// the links that keep these.
fn wait_for_end_of(name: &str) {
    let started = Instant::now();
    while maps_named(name) > 0 {
        assert!(started.elapsed() < Duration::from_secs(10) * patience(), "{name} is still there");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Where each function is attached to by itself, that can be broken off.
#[test]
fn attaching_can_be_interrupted() {
    if skips() {
        return;
    }
    let features = text(&strand(&["features"]).stdout);
    let has =
        |what: &str| features.lines().any(|l| l.trim().starts_with(what) && l.contains(" yes "));
    if !has("kprobes") || has("many in one link") {
        eprintln!("skipped: this kernel attaches to many functions at once, or to none");
        return;
    }
    let mut child = Command::new(STRAND)
        .args(["-v", "-q", "-e", r#"fbt::tcp_*:entry /execname == "nobody"/ { }"#])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strand starts");
    let mut told = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let begins = told.find(|l| l.as_ref().is_ok_and(|l| l.contains("each by itself")));
    assert!(begins.is_some());
    signal(&child, libc::SIGINT);
    let rest: Vec<String> = told.map_while(Result::ok).collect();
    assert!(rest.iter().any(|l| l.starts_with("strand: interrupted before fbt:")), "{rest:?}");
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

/// More programs than there may be open files: said in words, with what helps.
#[test]
fn too_few_open_files_are_explained() {
    if skips() {
        return;
    }
    // More than `ulimit` allows nobody may have here: neither the soft limit nor the hard one.
    let script = r#"ulimit -n 60
        exec setpriv --bounding-set=-sys_resource --inh-caps=-all "$0" -q -e "$1""#;
    let program = "BEGIN { exit(0); } sched:::, sysinfo:::, io:::, sdt:ext4:: { @ = count(); }";
    let output = Command::new("sh").args(["-c", script, STRAND, program]).output().expect("sh");
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let what = "the program takes more open files than the 60 that are allowed";
    assert!(told.contains(what) && told.contains("ulimit -n"), "{told}");
    // A limit that may be raised is.
    let script = r#"ulimit -Sn 60; exec "$0" -q -e "$1""#;
    let output = Command::new("sh").args(["-c", script, STRAND, program]).output().expect("sh");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn killed_it_leaves_nothing() {
    if skips() {
        return;
    }
    let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts");
    let (mut child, _out) = started(
        r#"BEGIN { printf("go\n"); @kill9[1] = count(); } tick-1ms { @kill9[2] = count(); }"#,
    );
    assert!(maps_named("kill9") > 0, "the aggregation's map is not found by its name");
    signal(&child, libc::SIGKILL);
    child.wait().expect("it ends");
    wait_for_end_of("kill9");
    let after = fs::read_to_string("/proc/self/mounts").expect("mounts");
    // Mounts of other tests may have gone meanwhile; none may have come that we made.
    let new: Vec<&str> = after.lines().filter(|l| !mounts.contains(*l)).collect();
    assert!(!new.iter().any(|l| l.contains("strand") && !l.contains("strand-demo")), "{new:?}");
}

#[test]
fn fast_aggregations_lose_nothing() {
    if skips() {
        return;
    }
    let program = "syscall::write:entry /pid == $target/ { @ = count(); @by[arg2] = sum(arg2); }";
    let output = strand(&["-q", "-c", &workload(), "-e", program]);
    let printed = text(&output.stdout);
    let words: Vec<&str> = printed.split_whitespace().collect();
    // A thread that takes the processor from one that is being counted isn't seen where the
    // kernel allows that; but it is told.
    let told = text(&output.stderr);
    let missed = missed(&told);
    assert_eq!(missed == 0, told.is_empty(), "{told}");
    let counted: u64 = words[0].parse().expect("a number");
    assert!((CALLS.saturating_sub(missed)..=CALLS).contains(&counted), "{printed}{told}");
    assert_eq!(words, [words[0], "1", words[0]]);
}

/// How many firings a session says it has missed.
fn missed(told: &str) -> u64 {
    let lines = told.lines().filter(|l| l.contains("missed"));
    lines.filter_map(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}

#[test]
fn lost_records_are_counted() {
    if skips() {
        return;
    }
    let program = r#"syscall::write:entry /pid == $target/ { printf("record %d\n", arg2); }"#;
    // Nobody reads the pipe until the workload is over.
    let mut child = Command::new(STRAND)
        .args(["-q", "-x", "bufsize=64k", "-c", &workload(), "-e", program])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strand starts");
    thread::sleep(Duration::from_secs(2));
    let (mut printed, mut told) = (String::new(), String::new());
    child.stdout.take().expect("a pipe").read_to_string(&mut printed).expect("text");
    child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("text");
    assert!(child.wait().expect("it ends").success(), "{told}");
    let records = printed.lines().filter(|l| *l == "record 1").count() as u64;
    let dropped: u64 = told
        .lines()
        .filter(|l| l.contains("drop"))
        .filter_map(|l| l.split_whitespace().find_map(|w| w.parse::<u64>().ok()))
        .sum();
    assert!(dropped > 0, "a buffer of 64 kB held everything: {told}");
    let least = CALLS.saturating_sub(missed(&told));
    assert!((least..=CALLS).contains(&(records + dropped)), "{records} {told}");
}

#[test]
fn without_rights_it_says_so() {
    // SAFETY: geteuid(2) can't fail and takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("skipped: only root can give up root");
        return;
    }
    let folder = std::env::temp_dir().join(format!("strand-rights.{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let copy = folder.join("strand");
    fs::copy(STRAND, &copy).expect("a copy");
    for path in [&folder, &copy] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    let output = Command::new(&copy)
        .args(["-e", "BEGIN { exit(0); }"])
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output();
    fs::remove_dir_all(&folder).expect("removed");
    let output = output.expect("strand starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "strand: tracing needs root, or the capabilities CAP_BPF and CAP_PERFMON\n"
    );
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn a_missing_script_is_named() {
    for args in [&["/no/such/script.d"][..], &["check", "/no/such/script.d"]] {
        let output = strand(args);
        assert_eq!(output.status.code(), Some(1));
        let told = "strand: /no/such/script.d can't be read: No such file or directory\n";
        assert_eq!(text(&output.stderr), told);
    }
}

#[test]
fn a_running_process_is_traced_until_it_ends() {
    if skips() {
        return;
    }
    let mut process = Command::new("sleep").arg("0.3").spawn().expect("sleep starts");
    let pid = process.id().to_string();
    let program = r#"BEGIN { printf("%d ", $target); } END { printf("over\n"); }"#;
    let output = strand(&["-q", "-p", &pid, "-e", program]);
    process.wait().expect("it ends");
    assert_eq!(text(&output.stdout).trim(), format!("{pid} over"));
}

#[test]
fn a_command_ends_the_session() {
    if skips() {
        return;
    }
    let output = strand(&["-q", "-c", "sh -c 'exit 3'", "-e", r#"END { printf("over\n"); }"#]);
    assert_eq!(text(&output.stdout).trim(), "over");
    assert!(output.status.success());
}

#[test]
fn output_is_appended_to_a_file() {
    if skips() {
        return;
    }
    let path = std::env::temp_dir().join(format!("strand-output.{}", std::process::id()));
    let name = path.to_string_lossy().into_owned();
    for _ in 0..2 {
        let program = r#"BEGIN { printf("line\n"); exit(0); }"#;
        assert!(strand(&["-q", "-o", &name, "-e", program]).status.success());
    }
    let written = fs::read_to_string(&path).expect("the file");
    fs::remove_file(&path).expect("removed");
    assert_eq!(written, "line\n\nline\n\n");
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    if skips() {
        return;
    }
    let (mut child, out) = started(r#"BEGIN { printf("go\n"); } tick-1ms { printf("more\n"); }"#);
    drop(out);
    let started = Instant::now();
    while child.try_wait().expect("a status").is_none() {
        assert!(started.elapsed() < Duration::from_secs(10), "it goes on");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Wherever a program without frame pointers is interrupted, its callers are known.
#[test]
fn samples_without_frame_pointers_are_whole() {
    if skips() {
        return;
    }
    let folder = Folder::new("samples");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/symbols/no-frame-pointers.c");
    let compile = format!("cc -O2 -fomit-frame-pointer -o program {source}");
    if folder.run(&compile).0 != Some(0) {
        return eprintln!("skipped: there is no compiler of C");
    }
    let line = r#"strand -q -x ustackcopy=8k -c "timeout 2 ./program forever" -e '
        profile-499 /execname == "program" && arg1/ { printf("stack"); ustack(); }'"#;
    let (status, out, err) = folder.run(line);
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let stacks: Vec<&str> = out.split("stack\n").skip(1).collect();
    let whole = stacks.iter().filter(|stack| stack.contains("`_start")).count();
    // Its loader begins in a way of its own.
    assert!(whole > 10 && whole * 20 >= stacks.len() * 19, "{whole} of {}", stacks.len());
    assert!(stacks.iter().any(|stack| stack.contains("`compare") && stack.contains("`main+")));
}
