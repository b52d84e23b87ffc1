//! Perf events: what a CPU, or the kernel on it, counts.
//!
//! In: an event and a period. Out: a descriptor that a program can be attached to, and that
//! ends the counting when it is closed.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use strand_compiler::kernel::PerfEvent;

/// Counts an event on one CPU, whatever runs there.
pub fn open(event: &PerfEvent, period: u64, cpu: u32) -> io::Result<OwnedFd> {
    let mut attr = libbpf_sys::perf_event_attr {
        type_: event.kind,
        size: size_of::<libbpf_sys::perf_event_attr>() as u32,
        config: event.config[0],
        ..Default::default()
    };
    attr.__bindgen_anon_1.sample_period = period;
    attr.__bindgen_anon_3.config1 = event.config[1];
    attr.__bindgen_anon_4.config2 = event.config[2];
    attr.set_exclude_user(u64::from(!event.user));
    attr.set_exclude_kernel(u64::from(!event.kernel));
    // SAFETY: `attr` lives for the call and knows its size.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &attr,
            -1 as libc::pid_t,
            cpu as libc::c_int,
            -1 as libc::c_int,
            libc::c_ulong::from(libbpf_sys::PERF_FLAG_FD_CLOEXEC),
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as libc::c_int) })
}
