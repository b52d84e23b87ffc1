//! `tick`: programs that run at a period, on one processor.
//!
//! In: programs with their periods. Out: a thread that runs each when it is due, by the
//! kernel's test run, on the processor that it keeps to. A perf event would do without a
//! thread, but its clock stands still while the processor idles.
//!
//! A period is kept from the start, not from the last firing, so that lateness doesn't add
//! up. What was missed is left out: it would come in a bunch.

use crate::process::{Clock, now, pin_thread};
use libbpf_sys as sys;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::thread::JoinHandle;

/// Runs a raw tracepoint's program once, with no arguments: on `cpu`, or wherever we are.
pub fn run(program: BorrowedFd<'_>, cpu: Option<u32>) -> io::Result<()> {
    let mut options = sys::bpf_test_run_opts {
        sz: size_of::<sys::bpf_test_run_opts>() as sys::size_t,
        flags: if cpu.is_some() { sys::BPF_F_TEST_RUN_ON_CPU } else { 0 },
        cpu: cpu.unwrap_or(0),
        ..Default::default()
    };
    // SAFETY: the descriptor is open, and the options have no pointers in them.
    let result = unsafe { sys::bpf_prog_test_run_opts(program.as_raw_fd(), &mut options) };
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(()) }
}

/// A program and its period in nanoseconds.
#[derive(Debug)]
pub struct Timer {
    /// Of a raw tracepoint.
    pub program: OwnedFd,
    /// Not 0.
    pub period: u64,
}

/// The thread.
#[derive(Debug)]
pub struct Ticker {
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Starts it. Each program first runs when its period has passed.
    pub fn start(timers: Vec<Timer>, cpu: u32) -> io::Result<Ticker> {
        // SAFETY: only numbers are passed.
        let stop = owned(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })?;
        let asked = stop.try_clone()?;
        let clock = Alarm::new()?;
        let body = move || {
            pin_thread(cpu);
            turn(&timers, cpu, &clock, &asked);
        };
        let thread = std::thread::Builder::new().name("strand-tick".to_owned()).spawn(body)?;
        Ok(Ticker { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    /// Waits until the last program has run.
    fn drop(&mut self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: eight bytes are written, as an eventfd wants them.
        unsafe { libc::write(self.stop.as_raw_fd(), one.as_ptr().cast(), one.len()) };
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

/// Runs what is due until `stop` can be read.
fn turn(timers: &[Timer], cpu: u32, alarm: &Alarm, stop: &OwnedFd) {
    let start = now(Clock::Monotonic) as u64;
    let mut due: BinaryHeap<Reverse<(u64, usize)>> = timers
        .iter()
        .enumerate()
        .map(|(i, timer)| Reverse((start.saturating_add(timer.period), i)))
        .collect();
    while let Some(Reverse((at, i))) = due.pop() {
        if alarm.wait_until(at, stop) {
            return;
        }
        let timer = &timers[i];
        // The program is loaded and takes no arguments; only a processor that went offline
        // can keep it from running, and then any other will do.
        if run(as_fd(&timer.program), Some(cpu)).is_err() {
            let _ = run(as_fd(&timer.program), None);
        }
        due.push(Reverse((next(at, timer.period, now(Clock::Monotonic) as u64), i)));
    }
}

fn as_fd(fd: &OwnedFd) -> BorrowedFd<'_> {
    std::os::fd::AsFd::as_fd(fd)
}

/// The first time after `now` that is whole periods away from `at`.
fn next(at: u64, period: u64, now: u64) -> u64 {
    let missed = now.saturating_sub(at) / period;
    at.saturating_add(period.saturating_mul(missed + 1))
}

/// A timer at absolute times.
struct Alarm {
    timer: OwnedFd,
}

impl Alarm {
    fn new() -> io::Result<Alarm> {
        // SAFETY: only numbers are passed.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) };
        Ok(Alarm { timer: owned(fd)? })
    }

    /// Sleeps until then; whether `stop` came first.
    fn wait_until(&self, at: u64, stop: &OwnedFd) -> bool {
        let time = libc::timespec {
            tv_sec: (at / 1_000_000_000) as libc::time_t,
            tv_nsec: (at % 1_000_000_000) as libc::c_long,
        };
        let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let setting = libc::itimerspec { it_interval: none, it_value: time };
        // SAFETY: the setting lives for the call, and the old one isn't asked for.
        unsafe {
            libc::timerfd_settime(
                self.timer.as_raw_fd(),
                libc::TFD_TIMER_ABSTIME,
                &setting,
                std::ptr::null_mut(),
            )
        };
        let wait =
            |fd: &OwnedFd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        loop {
            let mut fds = [wait(&self.timer), wait(stop)];
            // SAFETY: two elements are passed, and they are ours to write to.
            let ready = unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) };
            if ready > 0 {
                return fds[1].revents != 0;
            }
        }
    }
}

fn owned(fd: libc::c_int) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn lateness_neither_adds_up_nor_bunches() {
        assert_eq!(next(100, 10, 100), 110);
        assert_eq!(next(100, 10, 103), 110);
        assert_eq!(next(100, 10, 110), 120);
        assert_eq!(next(100, 10, 147), 150);
        // The clock never runs backwards, but nothing breaks if it does.
        assert_eq!(next(100, 10, 90), 110);
        assert_eq!(next(u64::MAX - 1, u64::MAX, u64::MAX), u64::MAX);
    }
}
