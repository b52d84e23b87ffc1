//! Programs to functions of the kernel, by kprobes.
//!
//! In: a program, and its functions in the order of their numbers, which they get as
//! cookies. Out: links, and the functions where the kernel doesn't let the program stop. A
//! program that was loaded for it has all functions in one link, which takes addresses, so
//! that of functions with one name the right one is traced; which functions are refused
//! among many only shows by trying halves.

use super::Placed;
use crate::load::os_error;
use crate::symbols::Symbols;
use libbpf_rs::{KprobeOpts, ProgramMut};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use strand_compiler::kernel::Attach;

/// Returns, not entries.
const RETURNS: u32 = 1;

/// A function's number and address.
type Numbered = (usize, u64);

/// Module and name of the function at which a program attaches by a kprobe.
fn function(event: &Attach) -> Option<(Option<&str>, &str)> {
    match event {
        Attach::Kprobe { module, function } | Attach::Kretprobe { module, function } => {
            Some((module.as_deref(), function))
        }
        _ => None,
    }
}

/// Whether a program is for the functions of these events.
pub(super) fn is_for(events: &[Attach]) -> bool {
    events.iter().any(|e| function(e).is_some())
}

fn is_return(events: &[Attach]) -> bool {
    matches!(events.first(), Some(Attach::Kretprobe { .. }))
}

/// Attaches a program to each function by itself.
pub(super) fn one_by_one(program: &ProgramMut<'_>, events: &[Attach]) -> io::Result<Placed> {
    let mut placed = Placed::default();
    for (number, event) in events.iter().enumerate() {
        let Some((module, name)) = function(event) else { continue };
        let name = match module {
            // Functions of modules may be named with it.
            Some(module) => format!("{module}:{name}"),
            None => name.to_owned(),
        };
        let options = KprobeOpts { cookie: number as u64, ..Default::default() };
        let link = program.attach_kprobe_with_opts(is_return(events), &name, options);
        match link.map_err(|e| os_error(&e)) {
            Ok(link) => placed.links.push(link),
            Err(e) if is_about_a_function(&e) => placed.refused.push((number, e)),
            Err(e) => return Err(e),
        }
    }
    Ok(placed)
}

/// Attaches a program to all functions by as few links as the kernel allows.
pub(super) fn together(
    program: &ProgramMut<'_>,
    events: &[Attach],
    symbols: &Symbols,
) -> io::Result<Placed> {
    let wanted: Vec<_> = events.iter().map(|e| function(e).unwrap_or((None, ""))).collect();
    let mut placed = Placed::default();
    let mut places = Vec::with_capacity(wanted.len());
    for (number, address) in symbols.addresses(&wanted).into_iter().enumerate() {
        match address {
            Some(address) => places.push((number, address)),
            None => {
                placed.refused.push((number, io::Error::from_raw_os_error(libc::ENOENT)));
            }
        }
    }
    let flags = if is_return(events) { RETURNS } else { 0 };
    link(program, flags, &places, &mut placed)?;
    Ok(placed)
}

fn link(
    program: &ProgramMut<'_>,
    flags: u32,
    places: &[Numbered],
    placed: &mut Placed,
) -> io::Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let addresses: Vec<u64> = places.iter().map(|(_, address)| *address).collect();
    let cookies: Vec<u64> = places.iter().map(|(number, _)| *number as u64).collect();
    let mut options = libbpf_sys::bpf_link_create_opts {
        sz: size_of::<libbpf_sys::bpf_link_create_opts>() as u64,
        ..Default::default()
    };
    options.__bindgen_anon_1.kprobe_multi =
        libbpf_sys::bpf_link_create_opts__bindgen_ty_1__bindgen_ty_2 {
            flags,
            cnt: places.len() as u32,
            addrs: addresses.as_ptr(),
            cookies: cookies.as_ptr(),
            ..Default::default()
        };
    // SAFETY: the options point to vectors of `cnt` elements that outlive the call.
    let fd = unsafe {
        libbpf_sys::bpf_link_create(
            program.as_fd().as_raw_fd(),
            0,
            libbpf_sys::BPF_TRACE_KPROBE_MULTI,
            &options,
        )
    };
    if fd >= 0 {
        // SAFETY: the kernel has just given this descriptor to us alone.
        placed.descriptors.push(unsafe { OwnedFd::from_raw_fd(fd) });
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if !is_about_a_function(&error) {
        return Err(error);
    }
    if let [(number, _)] = places {
        placed.refused.push((*number, error));
        return Ok(());
    }
    let (first, second) = places.split_at(places.len() / 2);
    link(program, flags, first, placed)?;
    link(program, flags, second, placed)
}

/// Whether an error may be due to one of many functions.
pub(super) fn is_about_a_function(error: &io::Error) -> bool {
    let about = [libc::EINVAL, libc::ENOENT, libc::ESRCH, libc::EADDRNOTAVAIL, libc::EILSEQ];
    error.raw_os_error().is_some_and(|code| about.contains(&code))
}
