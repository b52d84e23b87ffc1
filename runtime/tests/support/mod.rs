//! What tests of the finished binary share: whether it can trace here, and what a child prints.
//!
//! In: a child process. Out: its output and status, within a time limit.

// Each test program uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The binary.
pub const STRAND: &str = env!("CARGO_BIN_EXE_strand");

/// Why nothing can be traced here.
pub fn no_live() -> Option<String> {
    if std::env::var_os("STRAND_NO_LIVE").is_some() {
        return Some("STRAND_NO_LIVE is set".to_owned());
    }
    let output = Command::new(STRAND).args(["-q", "-e", "BEGIN { exit(0); }"]).output().ok()?;
    let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    // Anything else that goes wrong is for the tests to find.
    told.starts_with("strand: tracing needs").then_some(told)
}

/// A session whose probes are attached: BEGIN has printed its line, `go`.
pub fn started(program: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(STRAND)
        .args(["-q", "-e", program])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("strand starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    assert_eq!(line, "go\n");
    (child, out)
}

/// All D scripts below a folder, in order.
pub fn scripts(folder: &Path) -> Vec<PathBuf> {
    files(folder, "d")
}

/// All files below a folder whose names end so, in order.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Why nothing can be traced here was said, if that is so.
pub fn skips() -> bool {
    let why = no_live();
    if let Some(why) = &why {
        eprintln!("skipped: {why}");
    }
    why.is_some()
}

/// A folder of its own, which goes away at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    /// A new one.
    pub fn new(name: &str) -> Folder {
        let own = format!("test-{name}.{}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(own);
        fs::create_dir_all(&path).expect("a new folder");
        Folder(path)
    }

    /// Runs a line of shell here, in which `strand` is ours.
    pub fn run(&self, line: &str) -> (Option<i32>, String, String) {
        run_in(&self.0, line)
    }

    /// Makes a file.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file in a new folder");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Likewise, in any folder.
pub fn run_in(folder: &Path, line: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new("sh");
    let line = format!("strand() {{ {STRAND} \"$@\"; }}; {line}");
    command.arg("-c").arg(line).current_dir(folder).process_group(0);
    command.env("TZ", "UTC").env("LC_ALL", "C").env("STRAND", STRAND);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = Output::of(command.spawn().expect("sh"), Duration::from_secs(60) * patience());
    (output.status.and_then(|s| s.code()), output.stdout, output.stderr)
}

/// How much slower than usual the machine is (an emulated one, say).
pub fn patience() -> u32 {
    std::env::var("STRAND_PATIENCE").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// What a command printed.
pub struct Output {
    /// `None`: it had to be killed.
    pub status: Option<ExitStatus>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Waits for a child that leads a process group.
    pub fn of(mut child: Child, timeout: Duration) -> Output {
        let read = |mut from: Box<dyn Read + Send>| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = from.read_to_end(&mut bytes);
                String::from_utf8_lossy(&bytes).into_owned()
            })
        };
        let stdout = child.stdout.take().map(|s| read(Box::new(s)));
        let stderr = child.stderr.take().map(|s| read(Box::new(s)));
        let started = Instant::now();
        let mut status = None;
        while started.elapsed() < timeout {
            if let Ok(Some(done)) = child.try_wait() {
                status = Some(done);
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        if status.is_none() {
            // With what it started, which may hold the pipes open.
            // SAFETY: kill(2) takes no memory; the group is our child's, not yet waited for.
            unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
            let _ = child.wait();
        }
        let text = |t: Option<thread::JoinHandle<String>>| {
            t.and_then(|t| t.join().ok()).unwrap_or_default()
        };
        Output { status, stdout: text(stdout), stderr: text(stderr) }
    }
}
