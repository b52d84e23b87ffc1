//! `lockstat`: the kernel's locks, as they are taken and let go.
//!
//! Adaptive locks are mutexes. That locks are taken and let go is in functions only. Where
//! somebody has to wait the kernel has events for the begin and the end of it; what happens
//! in between is measured by the conditions of the sites, which keep the begin in an array.
//! It is forgotten by a last site, after all clauses have seen it.

use super::derived::{Arg, Derived, Entry, Source, plain};
use super::stability::Promise;

const MUTEX: [Arg; 1] = [plain(0, "struct mutex *")];
const SPINLOCK: [Arg; 1] = [plain(0, "spinlock_t *")];
const RWLOCK: [Arg; 2] = [plain(0, "struct rwlock *"), plain(1, "int")];

/// A function that takes a lock, and can't fail.
const fn takes(function: &'static str) -> Source {
    Source::function_return(function).args(&["arg2"])
}

/// One that takes it if its value isn't 0.
const fn tries(function: &'static str) -> Source {
    takes(function).when("(int)arg1 != 0")
}

/// One that is called with a lock.
const fn with(function: &'static str) -> Source {
    Source::function(function)
}

const fn reads(function: &'static str) -> Source {
    Source::function_return(function).args(&["arg2", "1"])
}

const fn writes(function: &'static str) -> Source {
    Source::function_return(function).args(&["arg2", "0"])
}

const WAIT: [Arg; 2] = [plain(0, "struct mutex *"), plain(1, "uint64_t")];
const RW_WAIT: [Arg; 3] = [plain(0, "struct rwlock *"), plain(1, "uint64_t"), plain(2, "int")];
const SPIN_WAIT: [Arg; 2] = [plain(0, "spinlock_t *"), plain(1, "uint64_t")];

/// The three sites of a kind of waiting: an array's name, the flags by which the kernel tells
/// the kind (1 spins, 2 reads, 4 writes, 32 is a mutex), what is behind lock and time.
macro_rules! waits {
    ($array:literal, $flags:literal $(, $more:literal)*) => {
        [
            Source::tracepoint("contention_begin").when(concat!(
                "((unsigned int)arg1 == ", $flags,
                " ? (", $array, "[arg0, (uintptr_t)curthread] = timestamp)",
                " : (", $array, "[arg0, (uintptr_t)curthread] = 0)) == 1",
            )),
            Source::tracepoint("contention_end")
                .args(&[
                    "arg0",
                    concat!("timestamp - ", $array, "[arg0, (uintptr_t)curthread]"),
                    $($more,)*
                ])
                .when(concat!($array, "[arg0, (uintptr_t)curthread] != 0")),
            Source::tracepoint("contention_end").when(concat!(
                "(", $array, "[arg0, (uintptr_t)curthread] = 0) == 1",
            )),
        ]
    };
}

const READ_WAIT: [Source; 3] = waits!("_lock_read", "3", "1");
const WRITE_WAIT: [Source; 3] = waits!("_lock_write", "5", "0");

/// The provider.
pub static LOCKSTAT: Derived = Derived {
    name: "lockstat",
    first: 350,
    promise: Promise::TRANSLATED,
    probes: &[
        Entry {
            name: "adaptive-acquire",
            args: &MUTEX,
            alternatives: &[&[
                takes("mutex_lock"),
                takes("mutex_lock_interruptible").when("(int)arg1 == 0"),
                takes("mutex_lock_killable").when("(int)arg1 == 0"),
                tries("mutex_trylock"),
            ]],
        },
        Entry {
            name: "adaptive-acquire-error",
            args: &[plain(0, "struct mutex *"), plain(1, "int")],
            alternatives: &[&[
                Source::function_return("mutex_lock_interruptible")
                    .args(&["arg2", "(int)arg1"])
                    .when("(int)arg1 != 0"),
                Source::function_return("mutex_lock_killable")
                    .args(&["arg2", "(int)arg1"])
                    .when("(int)arg1 != 0"),
            ]],
        },
        Entry {
            name: "adaptive-block",
            args: &WAIT,
            alternatives: &[&waits!("_lock_block", "32")],
        },
        Entry { name: "adaptive-spin", args: &WAIT, alternatives: &[&waits!("_lock_spin", "33")] },
        Entry { name: "adaptive-release", args: &MUTEX, alternatives: &[&[with("mutex_unlock")]] },
        Entry {
            name: "rw-acquire",
            args: &RWLOCK,
            alternatives: &[&[
                reads("_raw_read_lock"),
                reads("_raw_read_lock_bh"),
                reads("_raw_read_lock_irq"),
                reads("_raw_read_lock_irqsave"),
                reads("_raw_read_trylock").when("(int)arg1 != 0"),
                writes("_raw_write_lock"),
                writes("_raw_write_lock_bh"),
                writes("_raw_write_lock_irq"),
                writes("_raw_write_lock_irqsave"),
                writes("_raw_write_trylock").when("(int)arg1 != 0"),
            ]],
        },
        Entry {
            name: "rw-release",
            args: &RWLOCK,
            alternatives: &[&[
                with("_raw_read_unlock").args(&["arg0", "1"]),
                with("_raw_read_unlock_bh").args(&["arg0", "1"]),
                with("_raw_read_unlock_irq").args(&["arg0", "1"]),
                with("_raw_read_unlock_irqrestore").args(&["arg0", "1"]),
                with("_raw_write_unlock").args(&["arg0", "0"]),
                with("_raw_write_unlock_bh").args(&["arg0", "0"]),
                with("_raw_write_unlock_irq").args(&["arg0", "0"]),
                with("_raw_write_unlock_irqrestore").args(&["arg0", "0"]),
            ]],
        },
        Entry {
            name: "rw-spin",
            args: &RW_WAIT,
            alternatives: &[&{
                let [begin, end, last] = READ_WAIT;
                let [write_begin, write_end, write_last] = WRITE_WAIT;
                [begin, end, last, write_begin, write_end, write_last]
            }],
        },
        Entry {
            name: "spin-spin",
            args: &SPIN_WAIT,
            alternatives: &[&waits!("_lock_spinlock", "1")],
        },
        Entry {
            name: "spin-acquire",
            args: &SPINLOCK,
            alternatives: &[&[
                takes("_raw_spin_lock"),
                takes("_raw_spin_lock_bh"),
                takes("_raw_spin_lock_irq"),
                takes("_raw_spin_lock_irqsave"),
                tries("_raw_spin_trylock"),
                tries("_raw_spin_trylock_bh"),
            ]],
        },
        Entry {
            name: "spin-release",
            args: &SPINLOCK,
            alternatives: &[&[
                with("_raw_spin_unlock"),
                with("_raw_spin_unlock_bh"),
                with("_raw_spin_unlock_irq"),
                with("_raw_spin_unlock_irqrestore"),
            ]],
        },
    ],
};
