//! Perf events: what a CPU, or the kernel on it, counts.
//!
//! In: an event and a period, or a function of the kernel. Out: a descriptor that a program can be attached to, and that
//! ends the counting when it is closed.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
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
    open_attr(&attr, cpu)
}

/// Has the kernel note new mappings of code, and new processes, on one CPU.
pub fn open_notes(cpu: u32) -> io::Result<OwnedFd> {
    const SOFTWARE: u32 = 1;
    const DUMMY: u64 = 9;
    let mut attr = libbpf_sys::perf_event_attr {
        type_: SOFTWARE,
        size: size_of::<libbpf_sys::perf_event_attr>() as u32,
        config: DUMMY,
        ..Default::default()
    };
    attr.set_mmap(1);
    attr.set_mmap2(1);
    attr.set_task(1);
    open_attr(&attr, cpu)
}

/// The kernel's own probe at the address of a function, or where it returns. It is there on
/// all CPUs.
pub fn open_kprobe(address: u64, returns: bool) -> io::Result<OwnedFd> {
    const KPROBES: &str = "/sys/bus/event_source/devices/kprobe";
    let kind = std::fs::read_to_string(format!("{KPROBES}/type"))?;
    // `config:0`
    let bit = std::fs::read_to_string(format!("{KPROBES}/format/retprobe"))?;
    let bit = bit.trim().strip_prefix("config:").and_then(|bit| bit.parse::<u32>().ok());
    let (Ok(type_), Some(bit @ 0..64)) = (kind.trim().parse(), bit) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let mut attr = libbpf_sys::perf_event_attr {
        type_,
        size: size_of::<libbpf_sys::perf_event_attr>() as u32,
        config: u64::from(returns) << bit,
        ..Default::default()
    };
    // Without a name in `config1`, this is an address.
    attr.__bindgen_anon_4.config2 = address;
    open_attr(&attr, 0)
}

/// Lets an event count from now on.
pub fn enable(event: &OwnedFd) -> io::Result<()> {
    // `_IO('$', 0)`
    const ENABLE: libc::Ioctl = 0x2400;
    // SAFETY: this request takes no argument.
    let done = unsafe { libc::ioctl(event.as_raw_fd(), ENABLE, 0) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn open_attr(attr: &libbpf_sys::perf_event_attr, cpu: u32) -> io::Result<OwnedFd> {
    // SAFETY: `attr` lives for the call and knows its size.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            attr,
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
