//! Firings that never reached a program.
//!
//! In: loaded programs. Out: how often the kernel left one out because it was running on
//! that processor already: a probe that fires in what the program itself does, or in a
//! thread that took the processor from it. Nothing else knows of these firings.

use libbpf_rs::Object;
use std::os::fd::{AsFd, AsRawFd};

/// How many were missed so far by all programs of an object.
pub fn count(object: &Object) -> u64 {
    object.progs().map(|p| of_program(p.as_fd().as_raw_fd())).sum()
}

fn of_program(fd: i32) -> u64 {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut size = size_of::<libbpf_sys::bpf_prog_info>() as u32;
    let at = (&raw mut info).cast();
    // SAFETY: `info` is as large as `size` says, and outlives the call, which keeps nothing.
    // Zeros in it ask for no further memory to be written.
    let result = unsafe { libbpf_sys::bpf_obj_get_info_by_fd(fd, at, &raw mut size) };
    // A kernel that doesn't count them leaves 0.
    if result == 0 { info.recursion_misses } else { 0 }
}
