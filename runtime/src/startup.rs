//! How far a program that `-c` starts has come before its probes are armed.
//!
//! In: a child that is stopped before its first instruction, with nothing of its libraries in
//! its memory yet. Out: the same child, stopped where they are: their functions and markers
//! can be found then. It is brought there by a breakpoint, of which nothing remains.
//!
//! The dynamic linker calls a function that does nothing, for debuggers, once its list of
//! libraries is complete; no code of theirs has run by then.

use crate::user::binary::Binary;
use crate::user::process::Process;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Where a program is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its libraries are in its memory; nothing of them has run.
    Libraries,
    /// They have been initialised; it is at its first instruction.
    Entry,
    /// It is at its function `main`.
    Main,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It is stopped, at that place, or where it was if there is no such place.
    Stopped,
    /// It has ended.
    Ended(ExitStatus),
}

/// The function that the dynamic linker calls, and the structure that says why.
const HOOK: &str = "_dl_debug_state";
const STATE: &str = "_r_debug";
/// Where in it the reason is; 0: the list of libraries is complete.
const REASON: u64 = 24;

/// An instruction that stops a program, and how far behind it the program is then.
#[cfg(not(target_arch = "aarch64"))]
const BREAK: (&[u8], u64) = (&[0xcc], 1);
#[cfg(target_arch = "aarch64")]
const BREAK: (&[u8], u64) = (&[0, 0, 0x20, 0xd4], 0);

/// Lets a stopped child run to the stage.
pub fn run_to(pid: u32, stage: Stage) -> Reached {
    let child = Child { pid: pid as libc::pid_t };
    let auxiliary = Auxiliary::read(pid);
    let linker = auxiliary.base.filter(|base| *base != 0).and_then(|base| Linker::of(pid, base));
    let entry = auxiliary.entry;
    let reached = match (stage, linker) {
        // Without a dynamic linker all is there from the start.
        (Stage::Libraries, None) => return Reached::Stopped,
        (Stage::Libraries, Some(linker)) => child.run_to(linker.hook, entry, || {
            linker.reason.is_none_or(|at| child.word(at).is_some_and(|word| word as u32 == 0))
        }),
        (Stage::Entry | Stage::Main, _) => child.run_to_either(entry, None),
    };
    match (stage, reached) {
        (Stage::Main, Reached::Stopped) => match main_of(pid, &auxiliary) {
            Some(main) => child.run_to_either(Some(main), None),
            None => Reached::Stopped,
        },
        (_, reached) => reached,
    }
}

/// What the kernel has told the program.
#[derive(Default)]
struct Auxiliary {
    /// Where its dynamic linker is.
    base: Option<u64>,
    /// Its first instruction.
    entry: Option<u64>,
}

impl Auxiliary {
    fn read(pid: u32) -> Auxiliary {
        let bytes = std::fs::read(format!("/proc/{pid}/auxv")).unwrap_or_default();
        let word = |b: &[u8]| u64::from_ne_bytes(b.try_into().unwrap_or_default());
        let mut found = Auxiliary::default();
        for pair in bytes.chunks_exact(16) {
            match word(&pair[..8]) {
                libc::AT_BASE => found.base = Some(word(&pair[8..])),
                libc::AT_ENTRY => found.entry = Some(word(&pair[8..])),
                _ => {}
            }
        }
        found
    }
}

/// Where to stop in the dynamic linker.
struct Linker {
    hook: u64,
    reason: Option<u64>,
}

impl Linker {
    fn of(pid: u32, base: u64) -> Option<Linker> {
        let process = Process::read(pid).ok()?;
        // Nothing else is mapped yet.
        let file = process.files.iter().find(|f| !f.program)?;
        let binary = Binary::read(&file.open).ok()?;
        let hook = binary.functions(HOOK).first()?.address;
        let reason = binary.variable(STATE).map(|at| base + at + REASON);
        Some(Linker { hook: base + hook, reason })
    }
}

/// Where the program's `main` is, once it is loaded.
fn main_of(pid: u32, auxiliary: &Auxiliary) -> Option<u64> {
    let process = Process::read(pid).ok()?;
    let program = process.files.iter().find(|f| f.program)?;
    let binary = Binary::read(&program.open).ok()?;
    let moved = auxiliary.entry?.wrapping_sub(binary.entry);
    Some(binary.functions("main").first()?.address.wrapping_add(moved))
}

/// A child that this thread traces.
struct Child {
    pid: libc::pid_t,
}

impl Child {
    /// Runs until it is at the place and `done` says so, or at the other place.
    fn run_to(&self, place: u64, other: Option<u64>, done: impl Fn() -> bool) -> Reached {
        loop {
            match self.run_to_either(Some(place), other) {
                Reached::Stopped if self.at() == Some(place) && !done() => {
                    // On to the instruction behind the place, so that it can be set again.
                    if let Reached::Ended(status) = self.step() {
                        return Reached::Ended(status);
                    }
                }
                reached => return reached,
            }
        }
    }

    /// Runs until it is at one of the places. Without any it stays.
    fn run_to_either(&self, place: Option<u64>, other: Option<u64>) -> Reached {
        let places = [place, other].into_iter().flatten();
        let set: Vec<(u64, u64)> = places.filter_map(|at| Some((at, self.set(at)?))).collect();
        if set.is_empty() {
            return Reached::Stopped;
        }
        let reached = self.go_on(libc::PTRACE_CONT);
        if reached == Reached::Stopped {
            for (at, before) in &set {
                self.put(*at, *before);
            }
            let behind = self.at().map(|at| at.wrapping_sub(BREAK.1));
            if let Some(at) = behind.filter(|at| set.iter().any(|(place, _)| place == at)) {
                self.set_at(at);
            }
        }
        reached
    }

    /// One instruction.
    fn step(&self) -> Reached {
        self.go_on(libc::PTRACE_SINGLESTEP)
    }

    /// Goes on until a breakpoint; signals that come meanwhile are passed on.
    fn go_on(&self, how: libc::c_uint) -> Reached {
        let mut signal = 0;
        loop {
            // SAFETY: only numbers are passed.
            if unsafe { libc::ptrace(how, self.pid, 0, signal) } < 0 {
                return Reached::Stopped;
            }
            let mut status = 0;
            // SAFETY: `status` is ours to write to.
            while unsafe { libc::waitpid(self.pid, &mut status, 0) } < 0 {
                if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                    return Reached::Stopped;
                }
            }
            if !libc::WIFSTOPPED(status) {
                return Reached::Ended(ExitStatus::from_raw(status));
            }
            match libc::WSTOPSIG(status) {
                libc::SIGTRAP => return Reached::Stopped,
                other => signal = other,
            }
        }
    }

    /// Puts a breakpoint; what was there before.
    fn set(&self, at: u64) -> Option<u64> {
        let before = self.word(at)?;
        let mut bytes = before.to_ne_bytes();
        bytes[..BREAK.0.len()].copy_from_slice(BREAK.0);
        self.put(at, u64::from_ne_bytes(bytes)).then_some(before)
    }

    fn word(&self, at: u64) -> Option<u64> {
        use std::os::unix::fs::FileExt;
        let mut bytes = [0; 8];
        let memory = std::fs::File::open(format!("/proc/{}/mem", self.pid)).ok()?;
        memory.read_exact_at(&mut bytes, at).ok()?;
        Some(u64::from_ne_bytes(bytes))
    }

    fn put(&self, at: u64, word: u64) -> bool {
        // SAFETY: the address is one of the child's, and the word goes there.
        unsafe { libc::ptrace(libc::PTRACE_POKETEXT, self.pid, at, word) == 0 }
    }

    /// The instruction that it is at.
    fn at(&self) -> Option<u64> {
        self.registers().map(|r| *counter(&mut { r }))
    }

    fn set_at(&self, at: u64) {
        let Some(mut registers) = self.registers() else { return };
        *counter(&mut registers) = at;
        let mut part = part(&mut registers);
        // SAFETY: `part` says how large the registers are, which live for the call.
        unsafe { libc::ptrace(libc::PTRACE_SETREGSET, self.pid, libc::NT_PRSTATUS, &mut part) };
    }

    fn registers(&self) -> Option<libc::user_regs_struct> {
        // SAFETY: all zeros are a value of this struct of numbers.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        let mut part = part(&mut registers);
        // SAFETY: `part` says how large the registers are, which are ours to write to.
        let done =
            unsafe { libc::ptrace(libc::PTRACE_GETREGSET, self.pid, libc::NT_PRSTATUS, &mut part) };
        (done == 0).then_some(registers)
    }
}

fn part(registers: &mut libc::user_regs_struct) -> libc::iovec {
    libc::iovec {
        iov_base: std::ptr::from_mut(registers).cast(),
        iov_len: size_of::<libc::user_regs_struct>(),
    }
}

/// The program counter among the registers.
fn counter(registers: &mut libc::user_regs_struct) -> &mut u64 {
    #[cfg(not(target_arch = "aarch64"))]
    return &mut registers.rip;
    #[cfg(target_arch = "aarch64")]
    return &mut registers.pc;
}
