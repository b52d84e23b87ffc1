//! `lockstat`: the kernel's locks, as they are taken and let go.
//!
//! Adaptive locks are mutexes. All of this is in functions only; how long somebody had to
//! wait is in none, so there are no probes for that.

use super::derived::{Arg, Derived, Entry, Source, plain};

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

/// The provider.
pub static LOCKSTAT: Derived = Derived {
    name: "lockstat",
    first: 350,
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
