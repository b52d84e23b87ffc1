//! The examples: all compile, and those that this machine can run do so with a workload of
//! the test's own and print what they are for.
//!
//! In: the scripts under `examples/`. One that needs probes which the kernel or the version
//! lacks says so in its header (`Needs: fbt`, `usdt`, `pid`) and is only looked at by the
//! compiler as far as that goes.

use regex::Regex;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{STRAND, scripts, skips};

mod support;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn strand(args: &[&str]) -> Output {
    Command::new(STRAND).args(args).output().expect("strand starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn all_compile() {
    let all = scripts(&examples());
    assert!(all.len() >= 24, "{all:?}");
    let no_functions = !strand(&["list", "fbt::vfs_read:"]).status.success();
    for script in all {
        let source = fs::read_to_string(&script).expect("a script");
        // An argument in a probe description can't be left out; these are run below.
        if (no_functions && source.contains("Needs: fbt")) || source.contains("tick-$1") {
            continue;
        }
        let path = script.to_string_lossy();
        let output = strand(&["check", "-C", "-x", "defaultargs", &path]);
        assert!(output.status.success(), "{path}: {}", text(&output.stderr));
    }
}

#[test]
fn all_say_what_they_are() {
    let all = scripts(&examples().join("book"));
    assert_eq!(all.len(), 23);
    for script in all {
        let source = fs::read_to_string(&script).expect("a script");
        let name = script.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(source.starts_with("#!/usr/bin/env -S strand"), "{name}");
        assert!(source.contains(&format!("\n * {name} - ")), "{name} has no line about itself");
        assert!(source.contains("\n * Probes"), "{name} doesn't name its probes");
        let list = fs::read_to_string(examples().join("README.md")).expect("a list");
        assert!(list.contains(&format!("book/{name}")), "{name} isn't listed");
    }
}

/// Runs an example with a command; each pattern must be found in what it prints.
fn run(script: &str, command: &str, args: &[&str], patterns: &[&str]) {
    if skips() {
        return;
    }
    let path = examples().join(script);
    let path = path.to_string_lossy();
    let output = strand(&[&["-q", "-C", "-c", command, &path], args].concat());
    let (printed, told) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{script}: {told}");
    for pattern in patterns {
        let found = Regex::new(pattern).expect("a pattern").is_match(&printed);
        assert!(found, "{script}: no `{pattern}` in what it prints:\n{printed}\n{told}");
    }
}

#[test]
fn who_sleeps_and_who_wakes() {
    run(
        "book/cvtrace.d",
        "sleep 0.1",
        &[],
        &["sleep sleeps\n", "do_nanosleep", r"wakes \d+ after \d+ us"],
    );
}

#[test]
fn one_process_in_full() {
    let patterns = [
        r"Task \d+/\d+ on cpu\d+ sleep\n\targs: sleep 0.1\n\troot: /\n\tcwd: /.*\n\texe: sleep\n",
        r"\tuser: \d+ us kernel: \d+ us\n",
        r"\tfile0: /",
    ];
    run("book/dumptask.d", "sleep 0.1", &[], &patterns);
}

#[test]
fn fork_and_exec() {
    let times = r" +\d+us +\d+us +\d+us +\d+us\n";
    let patterns = [&format!("ls{times}"), &format!("date{times}")];
    let command = "sh -c 'ls / >/dev/null; date >/dev/null'";
    run("book/forktime.d", command, &[], &patterns.map(String::as_str));
}

#[test]
fn slab_caches() {
    run("book/kmemstat.d", "ls -d /", &[], &[r" +\d+ +\d+ filp\n"]);
}

#[test]
fn waiting_for_a_mutex() {
    let program = "import threading as t,time;l=t.Lock();l.acquire();\
                   x=t.Thread(target=l.acquire);x.start();time.sleep(0.3);l.release();x.join()";
    let command = format!("python3 -c '{program}'");
    run(
        "book/mtxtime.d",
        &command,
        &[],
        &[r"libc|python", r"(67108864|134217728|268435456|536870912) +\|@+ +\d"],
    );
}

#[test]
fn files_that_are_opened() {
    let line = r#"cat\[\d+\(0:0\)\] open\("/etc/passwd", O_RDONLY\) = \d+\n"#;
    let none = r#"open\("/none", O_RDONLY\) = -2\n"#;
    run("book/opentrace.d", "cat /etc/passwd /none", &[], &[line, none]);
    let many = "sh -c 'cat /etc/passwd; cat /etc/passwd; : >/tmp/strand-openaggr'";
    run("book/openaggr.d", many, &["60"], &[r"\d\d:\d\d:\d\d", r" +sh +\d+ +1 +\d+ \d+\n"]);
    let _ = fs::remove_file("/tmp/strand-openaggr");
}

#[test]
fn page_faults() {
    run("book/pagefault.d", "true", &[], &[r"addr: \w+ ip: \w+ (read|write|fetch): no page"]);
    run("book/pfstat.d", "true", &[], &[r" +\d+ true +write\n"]);
}

#[test]
fn lives_of_processes() {
    let patterns = [
        r"proc:::create\n\tPID: \d+ -> \d+\n",
        r"proc:::exec\n\tfilename: .*/ls\n",
        r"proc:::exit\n\treturn code: 1\n",
    ];
    run("book/proc.d", "sh -c 'ls / >/dev/null; true'", &[], &patterns);
}

#[test]
fn sizes_of_files() {
    run("book/stat.d", "sh -c 'test -f /etc/passwd'", &[], &[r"STAT /etc/passwd size: \d+\n"]);
}

#[test]
fn writes_by_descriptor() {
    let command = "dd if=/dev/zero of=/dev/null bs=4k count=100 status=none";
    run("book/wstat.d", command, &[], &[r" +\d+ +dd +1 +100 +400K\n"]);
}

#[test]
fn the_scheduler() {
    let patterns = ["Tracing CPU0...", r"=> switch\n\tleaves .*\n\tcomes  "];
    run("book/tstrace.d", "sleep 0.3", &["0"], &patterns);
}

/// A disk of the test's own: an ext4 in a file, on a loop device.
struct Disk {
    folder: PathBuf,
    device: String,
}

impl Disk {
    fn new(name: &str) -> Option<Disk> {
        let folder = std::env::temp_dir().join(format!("strand-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("mount")).ok()?;
        let image = folder.join("image");
        fs::File::create(&image).ok()?.set_len(64 << 20).ok()?;
        let shell = |line: &str| {
            let output = Command::new("sh").args(["-c", line]).output().ok()?;
            output.status.success().then(|| text(&output.stdout).trim().to_owned())
        };
        let path = image.to_string_lossy();
        shell(&format!("mkfs.ext4 -q -F {path}"))?;
        let device = shell(&format!("losetup --show -f {path}"))?;
        let disk = Disk { device, folder };
        shell(&format!("mount {} {}", disk.device, disk.folder.join("mount").display()))?;
        Some(disk)
    }

    fn name(&self) -> &str {
        self.device.trim_start_matches("/dev/")
    }

    fn file(&self) -> String {
        self.folder.join("mount/file").to_string_lossy().into_owned()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mount = self.folder.join("mount");
        let _ = Command::new("umount").arg(mount).status();
        let _ = Command::new("losetup").args(["-d", &self.device]).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The disk, unless nothing can be traced or mounted here.
fn disk(name: &str) -> Option<Disk> {
    if skips() {
        return None;
    }
    let disk = Disk::new(name);
    if disk.is_none() {
        eprintln!("skipped: no loop device with ext4 can be made");
    }
    disk
}

#[test]
fn block_devices() {
    let Some(disk) = disk("examples") else { return };
    let (file, name) = (disk.file(), disk.name());
    // 2 MB in pieces of 1 kB reach the device once, by fsync.
    let write = format!("dd if=/dev/zero of={file} bs=1k count=2048 conv=fsync status=none");
    run("book/deblock.d", &write, &[], &[&format!(r"\d+,\d+ +{name} +2048 \d{{4,}}\n")]);
    let write = format!("dd if=/dev/zero of={file} bs=64k count=1 oflag=direct status=none");
    let life = format!(
        r"io-start +cpu\d \+\d+ ns\n\tPROC: \d+/\d+ dd\n\tBUF flags: W \w+ count: 65536 blkno: \d+\n\tDEV \d+,\d+ {name}\n\tFILE [^\n]*\n(block_rq_\w+ +cpu\d \+\d+ ns\n)+io-done +cpu\d \+\d+ ns\n"
    );
    run("book/sdtrace.d", &write, &[], &[&life]);
    let read = format!(
        "sh -c 'echo 3 >/proc/sys/vm/drop_caches; dd if={file} of=/dev/null bs=4k status=none'"
    );
    run("book/readahead.d", &read, &[], &[&format!(r"\d+,\d+ +{name} +1\d +\d+ \d+\n")]);
}
