//! What was built, as other tools see it: the linker, llvm-objdump, bpftool, libbpf.
//!
//! In: scripts that use maps of all kinds, loops and strings. Out: what those tools say of their
//! executables and objects. Where a tool is missing, its test says so and passes.

use libbpf_rs::ObjectBuilder;
use std::collections::BTreeSet;
use support::{Folder, skips};

mod support;

/// Nothing here needs the runtime: no BEGIN, no timer.
const SCRIPT: &str = r#"/* Maps of all kinds. */
string names[int];
syscall::read:entry /pid == $target && strstr(execname, "dd") != NULL/
{
	self->t = timestamp;
	names[tid] = execname;
	@n[execname, arg0] = count();
}
syscall::read:return /self->t && arg1 >= $1/
{
	@times = quantize(timestamp - self->t);
	for (this->i = 0; this->i < arg1 % 7; this->i++)
		@turns = sum(this->i);
	printf("%s %d %s\n", names[tid], arg1, $$2);
	self->t = 0;
}
sdt:sched::sched_switch /args[1]->tgid == $target/
{
	this->id = speculation();
	speculate(this->id);
	printf("%s", stringof(args[1]->comm));
}
sdt:sched::sched_switch { discard(this->id); }
"#;

/// Builds an object of it; `None` where nothing can be traced.
fn object(name: &str) -> Option<Folder> {
    if skips() {
        return None;
    }
    let folder = Folder::new(name);
    folder.write("s.d", SCRIPT);
    let built = folder.run("strand build --object -q s.d");
    assert_eq!(built, (Some(0), String::new(), String::new()));
    Some(folder)
}

/// Whether there is a command, or it's said that there isn't.
fn has(folder: &Folder, command: &str) -> bool {
    let there = folder.run(&format!("command -v {command}")).0 == Some(0);
    if !there {
        eprintln!("skipped: there is no {command}");
    }
    there
}

/// Names of the programs.
fn programs(folder: &Folder) -> BTreeSet<String> {
    let object = ObjectBuilder::default().open_file(folder.0.join("s.bpf.o")).expect("an object");
    object.progs().map(|p| p.name().to_string_lossy().into_owned()).collect()
}

#[test]
fn executables_need_only_libc() {
    let folder = Folder::new("ldd");
    folder.write("s.d", SCRIPT);
    if skips() || !has(&folder, "ldd") {
        return;
    }
    let (_, libraries, err) = folder.run("strand build -q s.d && ldd ./s");
    assert!(libraries.contains("libc.so.6"), "{libraries}{err}");
    for library in libraries.lines().map(str::trim) {
        let known = ["linux-vdso.", "libc.so.", "/lib64/ld-linux-", "/lib/ld-linux-"];
        assert!(known.iter().any(|k| library.starts_with(k)), "{libraries}");
    }
}

#[test]
fn static_executables_need_nothing() {
    let folder = Folder::new("static");
    if skips() || !has(&folder, "ldd") {
        return;
    }
    let (status, _, err) = folder.run("strand build --static -q -e 'BEGIN { exit($1); }' -o s");
    if err.contains("strand-native-static is missing") {
        eprintln!("skipped: there is no runtime for them; `make static` builds it");
        return;
    }
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let (_, out, err) = folder.run("ldd ./s");
    let said = out + &err;
    assert!(said.contains("statically linked") || said.contains("not a dynamic"), "{said}");
    assert_eq!(folder.run("env -i ./s 7").0, Some(7));
}

/// Those before version 18 don't know instructions that store constants.
#[test]
fn llvm_objdump_reads_objects() {
    let Some(folder) = object("objdump") else { return };
    let newest = "ls /usr/lib/llvm-*/bin/llvm-objdump 2>/dev/null | sort -V | tail -n 1";
    let line = format!("tool=$({newest}); [ -n \"$tool\" ] || tool=llvm-objdump; echo $tool");
    let tool = folder.run(&line).1.trim().to_owned();
    if !has(&folder, &tool) {
        return;
    }
    let (status, text, err) = folder.run(&format!("{tool} -d -h s.bpf.o"));
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(text.contains("elf64-bpf") && text.contains(".BTF.ext"), "{text}");
    for name in programs(&folder) {
        assert!(text.contains(&format!("<{name}>:")), "{name}\n{text}");
    }
    assert!(text.contains("call 1\n") || text.contains("call 0x1\n"), "{text}");
    let version = folder.run(&format!("{tool} --version")).1;
    let version =
        version.split_once("version ").and_then(|(_, v)| v.split('.').next()?.parse().ok());
    if version.is_some_and(|version: u32| version >= 18) {
        let unknown: Vec<_> = text.lines().filter(|l| l.contains("<unknown>")).collect();
        assert!(unknown.is_empty(), "{unknown:#?}");
    }
}

/// bpftool pins what it loads, in a file system that only it sees.
#[test]
fn bpftool_reads_and_loads_objects() {
    let Some(folder) = object("bpftool") else { return };
    if !has(&folder, "bpftool") {
        return;
    }
    let (status, types, err) = folder.run("bpftool btf dump file s.bpf.o");
    assert_eq!(status, Some(0), "{err}");
    for what in ["DATASEC '.maps'", "STRUCT 'task_struct'", "'comm'", "FUNC '"] {
        assert!(types.contains(what), "no {what} in\n{types}");
    }
    let line = "mkdir fs && unshare --mount sh -c 'mount -t bpf bpf fs && \
                bpftool prog loadall s.bpf.o fs/all >&2 && ls fs/all'";
    let (status, loaded, err) = folder.run(line);
    assert_eq!(status, Some(0), "{err}");
    let loaded: BTreeSet<String> = loaded.lines().map(str::to_owned).collect();
    assert_eq!(loaded, programs(&folder), "{err}");
}

#[test]
fn libbpf_loads_objects() {
    let Some(folder) = object("libbpf") else { return };
    let mut builder = ObjectBuilder::default();
    let open = builder.open_file(folder.0.join("s.bpf.o")).expect("an object");
    let names: Vec<_> = open.maps().map(|m| m.name().to_string_lossy().into_owned()).collect();
    assert!(names.iter().any(|n| n.starts_with("names")), "{names:?}");
    let loaded = open.load().expect("the kernel takes it");
    assert_eq!(loaded.progs().count(), programs(&folder).len());
}
