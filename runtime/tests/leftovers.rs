//! That tracing leaves nothing behind: in the kernel, or in the process that traces again and again.
//!
//! What is a session's own is found by the name of one of its maps. Ids are never used twice, so
//! that objects which are there under them afterwards are those of the session.

use libbpf_rs::query::{LinkInfoIter, MapInfoIter, ProgInfoIter, ProgInfoQueryOptions};
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use strand::cli;
use strand::run;
use support::{STRAND, patience, skips, started};

mod support;

/// One test at a time: one of them counts the open files of this process.
static ALONE: Mutex<()> = Mutex::new(());

/// Ids of objects in the kernel.
#[derive(Debug, Default)]
struct Objects {
    maps: BTreeSet<u32>,
    programs: BTreeSet<u32>,
    links: BTreeSet<u32>,
}

impl Objects {
    /// Programs that use a map of this name, their links, and all their maps.
    fn of(name: &str) -> Objects {
        let named: BTreeSet<u32> = MapInfoIter::default()
            .filter(|map| map.name.to_string_lossy().contains(name))
            .map(|map| map.id)
            .collect();
        let mut own = Objects { maps: named.clone(), ..Objects::default() };
        let options = ProgInfoQueryOptions::default().include_map_ids(true);
        for program in ProgInfoIter::with_query_opts(options) {
            // All programs of an object have its `.bss`, and through that what they share.
            if program.map_ids.iter().any(|id| named.contains(id)) {
                own.programs.insert(program.id);
                own.maps.extend(program.map_ids);
            }
        }
        let links = LinkInfoIter::default().filter(|link| own.programs.contains(&link.prog_id));
        own.links = links.map(|link| link.id).collect();
        own
    }

    /// Those that are still there.
    fn left(&self) -> Objects {
        let maps = MapInfoIter::default().map(|map| map.id);
        let programs = ProgInfoIter::default().map(|program| program.id);
        let links = LinkInfoIter::default().map(|link| link.id);
        Objects {
            maps: maps.filter(|id| self.maps.contains(id)).collect(),
            programs: programs.filter(|id| self.programs.contains(id)).collect(),
            links: links.filter(|id| self.links.contains(id)).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.maps.is_empty() && self.programs.is_empty() && self.links.is_empty()
    }

    /// The kernel frees them when nobody can be using them any more.
    fn wait_for_end(&self) {
        let started = Instant::now();
        while !self.left().is_empty() {
            let waited = started.elapsed();
            assert!(waited < Duration::from_secs(20) * patience(), "left: {:?}", self.left());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// All events of the kernel, and where it can attach to many functions at once, thousands of
/// these.
#[test]
fn thousands_of_probes_leave_nothing() {
    let _alone = ALONE.lock();
    if skips() {
        return;
    }
    let strand = |args: &[&str]| Command::new(STRAND).args(args).output().expect("strand starts");
    let features = String::from_utf8_lossy(&strand(&["features"]).stdout).into_owned();
    let many = features.lines().any(|l| l.contains("many in one link") && l.contains(" yes "));
    let functions = if many { "fbt::[a-e]*:entry, " } else { "" };
    let program = format!(
        r#"BEGIN {{ thousands["none"] = 1; printf("go\n"); }}
           {functions}sdt:::, syscall::: /execname == "nobody"/ {{ thousands[probefunc]++; }}"#
    );
    let checked =
        String::from_utf8_lossy(&strand(&["check", "-v", "-e", &program]).stderr).into_owned();
    let matched = checked.split(' ').filter_map(|word| word.parse::<usize>().ok()).max();
    let least = if many { 5000 } else { 1000 };
    assert!(matched.is_some_and(|n| n >= least), "{checked}");

    let (mut child, mut out) = started(&program);
    let objects = Objects::of("thousands");
    // An event of the kernel is a link, all functions are one.
    assert!(objects.links.len() > 100, "its links are not found: {objects:?}");
    // SAFETY: kill(2) takes no memory; the process is our child and was not waited for.
    assert_eq!(unsafe { libc::kill(child.id() as i32, libc::SIGINT) }, 0);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    assert!(child.wait().expect("it ends").success());
    objects.wait_for_end();
}

/// Kilobytes of memory that are this process's own.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).expect("RssAnon");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").expect("/proc").count()
}

/// A session that starts a command and has probes of several kinds, in this process.
fn session(output: &str) {
    let program = r#"BEGIN { sessions[1] = 1; }
        syscall::read:entry, sdt:sched::sched_switch, profile-97
        /execname == "nobody"/
        { self->there = 1; @[stack(), ustack()] = quantize(timestamp); }
        tick-1s { exit(0); }"#;
    let line = ["strand", "-q", "-o", output, "-c", "true", "-e", program];
    let invocation = cli::parse(line.map(str::to_owned)).expect("a command line");
    assert!(matches!(run::run(&invocation), Ok(0)));
}

#[test]
fn sessions_leave_nothing() {
    let _alone = ALONE.lock();
    if skips() {
        return;
    }
    // The first ones also fill what is kept for all.
    const FIRST: u32 = 10;
    let sessions = if patience() > 1 { 40 } else { 200 };
    let output = std::env::temp_dir().join(format!("strand-sessions.{}", std::process::id()));
    let name = output.to_string_lossy().into_owned();
    (0..FIRST).for_each(|_| session(&name));
    let before = (open_files(), memory());
    (FIRST..sessions).for_each(|_| session(&name));
    let after = (open_files(), memory());
    fs::remove_file(&output).expect("removed");
    eprintln!("open files, kB: {before:?}, {after:?}");
    assert_eq!(before.0, after.0, "open files");
    // What one session has in memory is a multiple of that.
    const MARGIN: u64 = 4096;
    assert!(after.1 < before.1 + MARGIN, "{before:?} {after:?} kB");
    let objects = Objects::of("sessions");
    objects.wait_for_end();
}
