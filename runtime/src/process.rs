//! Clocks, privileges.

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
/// x
pub fn may_trace() -> bool {
    true
}
