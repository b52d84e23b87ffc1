//! Programs to functions of the kernel, by kprobes.
//!
//! In: a program, and its functions in the order of their numbers, which they get as
//! cookies. Out: links, and the functions where the kernel doesn't let the program stop. A
//! program that was loaded for it has all functions in one link, which takes addresses; which
//! functions are refused among many only shows by trying halves. Of static functions that
//! share a name the first that the kernel takes is traced.

use super::{Placed, Table, Watch};
use crate::load::os_error;
use crate::perf;
use crate::symbols::Symbols;
use libbpf_rs::{KprobeOpts, ProgramMut};
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use strand_compiler::kernel::Attach;

/// Returns, not entries.
const RETURNS: u32 = 1;

/// A function's number and address.
type Numbered = (usize, u64);

/// Whether a program is for the functions of these events.
pub(super) fn is_for(events: &[Attach]) -> bool {
    events.iter().any(|e| matches!(e, Attach::Kprobe { .. } | Attach::Kretprobe { .. }))
}

fn is_return(events: &[Attach]) -> bool {
    matches!(events.first(), Some(Attach::Kretprobe { .. }))
}

/// Attaches a program to each function by itself: by its name or, where the kernel wouldn't
/// know which of several is meant, by the address of the first that it takes.
pub(super) fn one_by_one(
    program: &ProgramMut<'_>,
    events: &[Attach],
    symbols: &Table,
    watch: &Watch<'_>,
) -> io::Result<Placed> {
    let returns = is_return(events);
    let mut placed = Placed::default();
    for (number, event) in events.iter().enumerate() {
        let Some((module, name)) = event.function() else { continue };
        watch.at(number, events.len())?;
        let full = match module {
            // Functions of modules may be named with it.
            Some(module) => format!("{module}:{name}"),
            None => name.to_owned(),
        };
        let options = KprobeOpts { cookie: number as u64, ..Default::default() };
        let link = program.attach_kprobe_with_opts(returns, &full, options);
        match link.map_err(|e| os_error(&e)) {
            Ok(link) => placed.links.push(link),
            Err(e) if is_about_a_function(&e) => {
                let table = symbols.as_ref();
                let all = table.map_or_else(|_| Vec::new(), |s| s.addresses(&[(module, name)]));
                let mut all = all.into_iter().flatten().filter(|address| *address != 0);
                match all.find_map(|at| by_address(program, returns, at, number).ok()) {
                    Some(links) => placed.descriptors.extend(links),
                    None => placed.refused.push((number, e)),
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(placed)
}

/// Attaches a program to the function at an address, by a perf event as libbpf does it for
/// one with a name.
fn by_address(
    program: &ProgramMut<'_>,
    returns: bool,
    address: u64,
    number: usize,
) -> io::Result<[OwnedFd; 2]> {
    let event = perf::open_kprobe(address, returns)?;
    let mut options = libbpf_sys::bpf_link_create_opts {
        sz: size_of::<libbpf_sys::bpf_link_create_opts>() as u64,
        ..Default::default()
    };
    options.__bindgen_anon_1.perf_event.bpf_cookie = number as u64;
    // SAFETY: only descriptors and the options are passed, which outlive the call.
    let fd = unsafe {
        libbpf_sys::bpf_link_create(
            program.as_fd().as_raw_fd(),
            event.as_raw_fd(),
            libbpf_sys::BPF_PERF_EVENT,
            &options,
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given this descriptor to us alone.
    let link = unsafe { OwnedFd::from_raw_fd(fd) };
    perf::enable(&event)?;
    Ok([link, event])
}

/// Attaches a program to all functions by as few links as the kernel allows.
pub(super) fn together(
    program: &ProgramMut<'_>,
    events: &[Attach],
    symbols: &Symbols,
    watch: &Watch<'_>,
) -> io::Result<Placed> {
    watch.say(format_args!("attaching to {} functions at once", events.len()));
    let wanted: Vec<_> = events.iter().map(|e| e.function().unwrap_or((None, ""))).collect();
    let flags = if is_return(events) { RETURNS } else { 0 };
    let addresses = symbols.addresses(&wanted);
    let mut placed = Placed::default();
    let mut places = Vec::with_capacity(wanted.len());
    for (number, all) in addresses.iter().enumerate() {
        match all.first() {
            Some(address) => places.push((number, *address)),
            None => {
                placed.refused.push((number, io::Error::from_raw_os_error(libc::ENOENT)));
            }
        }
    }
    link(program, flags, &places, &mut placed, watch)?;
    // What the first of a name refuses, another may take.
    for (number, error) in std::mem::take(&mut placed.refused) {
        let others = addresses[number].iter().skip(1);
        let mut taken = false;
        for address in others {
            link(program, flags, &[(number, *address)], &mut placed, watch)?;
            taken = placed.refused.pop().is_none();
            if taken {
                break;
            }
        }
        if !taken {
            placed.refused.push((number, error));
        }
    }
    placed.refused.sort_by_key(|(number, _)| *number);
    Ok(placed)
}

fn link(
    program: &ProgramMut<'_>,
    flags: u32,
    places: &[Numbered],
    placed: &mut Placed,
    watch: &Watch<'_>,
) -> io::Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    watch.look()?;
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
    link(program, flags, first, placed, watch)?;
    link(program, flags, second, placed, watch)
}

/// Whether an error may be due to one of many functions.
pub(super) fn is_about_a_function(error: &io::Error) -> bool {
    let about = [libc::EINVAL, libc::ENOENT, libc::ESRCH, libc::EADDRNOTAVAIL, libc::EILSEQ];
    error.raw_os_error().is_some_and(|code| about.contains(&code))
}
