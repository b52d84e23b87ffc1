//! How many files the process may have open.
//!
//! In: the limit that we were started with. Out: one as high as we may set it. Each program,
//! each map and each event holds a file open while we trace, and the usual limit of 1024 stems
//! from a time when that was plenty. Commands that `system()` runs get the first limit back:
//! some close every file that they might have, one by one.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

/// What we were started with, once it has been changed.
static FIRST: OnceLock<libc::rlimit> = OnceLock::new();

/// Allows as many open files as this process may have.
pub fn allow_most() {
    let Some(limit) = limit() else { return };
    // Only a process that may go beyond its limits can raise both; the system's own is above.
    let most = most().unwrap_or(0).max(limit.rlim_max);
    if set(&libc::rlimit { rlim_cur: most, rlim_max: most }).is_ok()
        || set(&libc::rlimit { rlim_cur: limit.rlim_max, ..limit }).is_ok()
    {
        FIRST.get_or_init(|| limit);
    }
}

/// How many files this process may have open.
pub fn allowed() -> u64 {
    limit().map_or(0, |limit| limit.rlim_cur)
}

/// What to do if that is what an error is about.
pub fn hint(error: &io::Error) -> Option<String> {
    let text = match error.raw_os_error()? {
        libc::EMFILE => {
            "`ulimit -n` raises how many files a process may have open, as LimitNOFILE= does \
             for a service; or trace fewer probes"
        }
        libc::ENFILE => "fs.file-max says how many files all processes may have open",
        _ => return None,
    };
    Some(text.to_owned())
}

/// Gives a command the limit that we were started with.
pub fn as_at_first(command: &mut Command) -> &mut Command {
    match FIRST.get().copied() {
        // SAFETY: between fork and exec only one system call is made.
        Some(first) => unsafe { command.pre_exec(move || set(&first)) },
        None => command,
    }
}

fn limit() -> Option<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure lives for the call.
    let got = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    (got == 0).then_some(limit)
}

fn set(limit: &libc::rlimit) -> io::Result<()> {
    // SAFETY: the structure lives for the call.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The system's limit for a process.
fn most() -> Option<u64> {
    fs::read_to_string("/proc/sys/fs/nr_open").ok()?.trim().parse().ok()
}
