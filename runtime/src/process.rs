//! Processes: the one that `-c` starts, those that `-p` names, and our own.
//!
//! In: a command or process ids. Out: a stopped child that runs when the probes are armed,
//! whether all targets have ended, whether we were asked to stop; clocks and privileges.

use crate::startup::{self, Reached};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A clock of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Since some time at boot; never set.
    Monotonic,
    /// Since 1970.
    Real,
}

/// The time in nanoseconds.
pub fn now(clock: Clock) -> i64 {
    let id = match clock {
        Clock::Monotonic => libc::CLOCK_MONOTONIC,
        Clock::Real => libc::CLOCK_REALTIME,
    };
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is ours to write to, and both clocks exist everywhere.
    unsafe { libc::clock_gettime(id, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Whether this process may load tracing programs: root, or the two capabilities for it.
pub fn may_trace() -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    const CAP_PERFMON: u32 = 38;
    const CAP_BPF: u32 = 39;
    let Some(effective) = capabilities() else {
        // SAFETY: it takes no arguments and can't fail.
        return unsafe { libc::geteuid() } == 0;
    };
    let has = |capability: u32| effective >> capability & 1 == 1;
    has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON))
}

/// Effective capabilities of this process.
fn capabilities() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// Why a process can't be traced.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// `-c` with nothing to run, or an unclosed quote.
    #[error("the command '{0}' can't be taken apart into words")]
    Words(String),
    /// It can't be started.
    #[error("{command} can't be started")]
    Start {
        /// The program.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// `-p`: there is none.
    #[error("there is no process {pid} to trace")]
    Missing {
        /// Its id.
        pid: i32,
        /// Why.
        source: io::Error,
    },
}

/// The processes that tracing is about: it ends when all of them have.
#[derive(Debug, Default)]
pub struct Targets {
    child: Option<Target>,
    /// Descriptors of the processes that `-p` names; without those that have ended.
    others: Vec<OwnedFd>,
    first: Option<i32>,
}

/// The child.
#[derive(Debug)]
struct Target {
    child: Child,
    stopped: bool,
    status: Option<ExitStatus>,
}

impl Targets {
    /// Starts the command, which stops before its first instruction, and finds the processes.
    pub fn new(command: Option<&str>, pids: &[i32]) -> Result<Targets, ProcessError> {
        let mut targets = Targets::default();
        if let Some(command) = command {
            let child = start(command)?;
            targets.first = Some(child.id() as i32);
            targets.child = Some(Target { child, stopped: true, status: None });
        }
        for pid in pids {
            let fd = pidfd(*pid).map_err(|source| ProcessError::Missing { pid: *pid, source })?;
            targets.others.push(fd);
            targets.first.get_or_insert(*pid);
        }
        Ok(targets)
    }

    /// `$target`: 0 without one.
    pub fn id(&self) -> i32 {
        self.first.unwrap_or(0)
    }

    /// Lets the child run until its program has come so far, and stop there again. Must be
    /// called by the thread that started it.
    pub fn advance(&mut self, to: startup::Stage) {
        if let Some(target) = self.child.as_mut().filter(|t| t.stopped)
            && let Reached::Ended(status) = startup::run_to(target.child.id(), to)
        {
            target.stopped = false;
            target.status = Some(status);
        }
    }

    /// Lets the child run. Must be called by the thread that started it.
    pub fn resume(&mut self) {
        if let Some(target) = self.child.as_mut().filter(|t| t.stopped) {
            target.stopped = false;
            // SAFETY: only numbers are passed. A child that has been killed meanwhile is
            // noticed by `ended`.
            unsafe { libc::ptrace(libc::PTRACE_DETACH, target.child.id() as libc::pid_t, 0, 0) };
        }
    }

    /// Whether there were targets and all have ended.
    pub fn ended(&mut self) -> bool {
        if self.first.is_none() {
            return false;
        }
        if let Some(target) = self.child.as_mut().filter(|t| t.status.is_none() && !t.stopped) {
            target.status = target.child.try_wait().ok().flatten();
        }
        self.others.retain(|fd| !readable(fd));
        self.others.is_empty() && self.child.as_ref().is_none_or(|t| t.status.is_some())
    }

    /// How the child ended, if badly: `exited with status 3`.
    pub fn complaint(&self) -> Option<String> {
        let status = self.child.as_ref()?.status?;
        let pid = self.id();
        match (status.code(), status.signal()) {
            (Some(0), _) => None,
            (Some(code), _) => Some(format!("pid {pid} exited with status {code}")),
            (None, Some(signal)) => Some(format!("pid {pid} terminated by signal {signal}")),
            (None, None) => None,
        }
    }
}

impl Drop for Targets {
    /// A command was started to be traced: it ends with the tracing, and isn't left behind,
    /// stopped least of all.
    fn drop(&mut self) {
        if let Some(target) = self.child.as_mut().filter(|t| t.status.is_none()) {
            // A failure means that it has gone already.
            let _ = target.child.kill();
            let _ = target.child.wait();
        }
    }
}

/// Starts a command so that it stops once its program is in place.
fn start(command: &str) -> Result<Child, ProcessError> {
    let words = words(command).filter(|w| !w.is_empty());
    let words = words.ok_or_else(|| ProcessError::Words(command.to_owned()))?;
    let failed = |source| ProcessError::Start { command: words[0].clone(), source };
    let mut starting = Command::new(&words[0]);
    starting.args(&words[1..]);
    // SAFETY: between fork and exec only one system call is made.
    unsafe {
        starting.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    let child = starting.spawn().map_err(failed)?;
    let pid = child.id() as libc::pid_t;
    let mut status = 0;
    // SAFETY: `status` is ours to write to.
    while unsafe { libc::waitpid(pid, &mut status, 0) } < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(failed(error));
        }
    }
    // Should we be killed before it runs, it doesn't stay behind.
    // SAFETY: only numbers are passed.
    unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, libc::PTRACE_O_EXITKILL) };
    Ok(child)
}

/// Words of a command: separated by blanks, with quotes and backslashes as in a shell.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut quote = None;
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().push(chars.next()?),
            (c, Some(q)) if c == q => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: only numbers are passed.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) })
}

/// Whether there is something to read; of a process: whether it has ended.
fn readable(fd: &OwnedFd) -> bool {
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one element is passed, and it is ours to write to.
    unsafe { libc::poll(&mut poll, 1, 0) > 0 }
}

/// Signals that ask us to stop.
#[derive(Clone, Debug)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on Ctrl-C and the like are noted. A second one ends the process at once.
    pub fn catch() -> io::Result<Interrupt> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            signal_hook::flag::register_conditional_shutdown(
                signal,
                128 + signal,
                Arc::clone(&asked),
            )?;
            signal_hook::flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Interrupt { asked })
    }

    /// Whether one has come.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Numbers that macros stand for: `$pid`, `$uid` and the like.
pub fn macros() -> Vec<(&'static str, i64)> {
    // SAFETY: none of these takes a pointer or can fail.
    unsafe {
        vec![
            ("pid", libc::getpid().into()),
            ("ppid", libc::getppid().into()),
            ("pgid", libc::getpgid(0).into()),
            ("sid", libc::getsid(0).into()),
            ("uid", libc::getuid().into()),
            ("euid", libc::geteuid().into()),
            ("gid", libc::getgid().into()),
            ("egid", libc::getegid().into()),
        ]
    }
}

/// The processors that are online, in order.
pub fn online_cpus() -> Vec<u32> {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let cpus = cpu_list(&list);
    if cpus.is_empty() { vec![0] } else { cpus }
}

/// One more than the highest number that a processor of this machine can ever have.
pub fn end_of_cpus() -> u32 {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    cpu_list(&list).into_iter().max().unwrap_or(0) + 1
}

/// `0-2,5`
fn cpu_list(text: &str) -> Vec<u32> {
    text.trim()
        .split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?)
        })
        .flatten()
        .collect()
}

/// Keeps the calling thread on one processor; it stays where it is if that is impossible.
pub fn pin_thread(cpu: u32) {
    // SAFETY: an all-zero set is valid; the macros stay within it, as `cpu` is checked.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if (cpu as usize) < 8 * size_of::<libc::cpu_set_t>() {
            libc::CPU_SET(cpu as usize, &mut set);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_become_words() {
        let check = |command: &str| match words(command) {
            Some(words) => words.join("|"),
            None => "?".to_owned(),
        };
        assert_eq!(check("ls -l  /tmp "), "ls|-l|/tmp");
        assert_eq!(check("sh -c 'echo \"a b\"; true'"), "sh|-c|echo \"a b\"; true");
        assert_eq!(check("echo a\\ b \"c \\\" d\" ''"), "echo|a b|c \" d|");
        assert_eq!(check("echo 'a"), "?");
        assert_eq!(check("echo a\\"), "?");
        assert_eq!(check(""), "");
    }

    #[test]
    fn lists_of_processors() {
        assert_eq!(cpu_list("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(cpu_list("0\n"), [0]);
        assert_eq!(cpu_list(""), [] as [u32; 0]);
    }

    #[test]
    fn a_child_waits_until_it_may_run() {
        let targets = Targets::new(Some("sh -c 'exit 3'"), &[]);
        let Ok(mut targets) = targets else { panic!("sh can't be started: {targets:?}") };
        assert!(targets.id() > 0 && !targets.ended());
        targets.resume();
        while !targets.ended() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        assert_eq!(targets.complaint(), Some(format!("pid {} exited with status 3", targets.id())));
    }
}
