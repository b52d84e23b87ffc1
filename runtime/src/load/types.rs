//! What is known of the kernel's types, given to libbpf so that it needn't read them all.
//!
//! In: how programs attach, the object, and the kernel's types, in which somebody has looked
//! anyway. Out: handlers of libbpf's that load programs for events with types, by the number of
//! the type that describes the event; and the few types that the object's relocations look at.
//! libbpf by itself reads all of them, some megabytes and milliseconds. What isn't known here, as
//! what modules have, it still looks for.

use crate::kernel::btf_modules;
use libbpf_sys as sys;
use object::{Object, ObjectSection};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::{CString, c_int, c_long};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use strand_compiler::btf::Btf;
use strand_compiler::btf::excerpt::{Roots, excerpt, roots};
use strand_compiler::kernel::Attach;
use strand_compiler::manifest::Manifest;
use strand_compiler::prototype::Types;

/// What libbpf needn't look for.
#[derive(Debug, Default)]
pub struct KnownTypes {
    /// Of events, by the sections of their programs.
    events: BTreeMap<String, Event>,
    /// The types of modules that have such events; `None` where the kernel doesn't give them.
    modules: BTreeMap<String, Option<OwnedFd>>,
    /// Types that relocations look at, in a file without a name.
    relocated: Option<File>,
}

/// What the kernel is told of an event.
#[derive(Debug)]
struct Event {
    /// How programs attach to it.
    how: sys::bpf_attach_type,
    /// The number of the type that describes it.
    id: u32,
    /// The descriptor of the types of the module that has it; 0: the kernel's own.
    module: RawFd,
}

/// Handlers are for the whole process: one object at a time has them.
static ONE: Mutex<()> = Mutex::new(());

/// What libbpf is told for as long as this lives.
pub(super) struct Handlers {
    ids: Vec<c_int>,
    _one: MutexGuard<'static, ()>,
}

impl KnownTypes {
    /// For an object without relocations; `types` has the kernel's own and those of modules.
    pub fn of(manifest: &Manifest, types: Types) -> KnownTypes {
        let mut known = KnownTypes::default();
        for attach in manifest.programs.iter().flat_map(|p| &p.attach) {
            // Hundreds of system calls are one event.
            if let Some(how) = attach_type(attach)
                && let Entry::Vacant(new) = known.events.entry(attach.section())
                && let Some((id, module)) = described(attach, types)
            {
                let open = |module: String| {
                    let types = known.modules.entry(module);
                    let types = types.or_insert_with_key(|module| types_of_module(module));
                    types.as_ref().map(AsRawFd::as_raw_fd)
                };
                if let Some(module) = module.map_or(Some(0), open) {
                    new.insert(Event { how, id, module });
                }
            }
        }
        known
    }

    /// For one that was built on some kernel. The types of this one are asked for if they are
    /// needed.
    pub fn for_object(object: &[u8], manifest: &Manifest, types: Types) -> KnownTypes {
        let own = Relocated::of(object);
        let own = own.as_ref().and_then(Relocated::roots);
        let relocated = own.filter(|roots| !roots.is_empty()).and_then(|roots| {
            let kernel = types(None)?;
            let modules = || btf_modules().iter().filter_map(|m| types(Some(m))).collect();
            let types = excerpt(&kernel, modules, &roots)?;
            // Without it libbpf reads them itself.
            let mut file = unnamed_file().ok()?;
            file.write_all(&types).ok()?;
            Some(file)
        });
        KnownTypes { relocated, ..KnownTypes::of(manifest, types) }
    }

    /// The file with the types that relocations look at.
    pub(super) fn relocated(&self) -> Option<PathBuf> {
        Some(format!("/proc/self/fd/{}", self.relocated.as_ref()?.as_raw_fd()).into())
    }

    /// Tells libbpf how programs of events are to be loaded.
    pub(super) fn register(&self) -> io::Result<Handlers> {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut handlers = Handlers { ids: Vec::new(), _one: one };
        for (section, event) in &self.events {
            let section = CString::new(section.as_str())?;
            let options = sys::libbpf_prog_handler_opts {
                sz: size_of::<sys::libbpf_prog_handler_opts>() as sys::size_t,
                cookie: event.cookie(),
                prog_prepare_load_fn: Some(prepare),
                ..Default::default()
            };
            // SAFETY: libbpf copies the name and the options, and the function is there for good.
            // No other thread registers anything, as we hold the lock.
            let handler = unsafe {
                sys::libbpf_register_prog_handler(
                    section.as_ptr(),
                    // Of those that are for tracing it reads the types before it asks us.
                    sys::BPF_PROG_TYPE_RAW_TRACEPOINT,
                    event.how,
                    &options,
                )
            };
            if handler < 0 {
                return Err(io::Error::from_raw_os_error(-handler));
            }
            handlers.ids.push(handler);
        }
        Ok(handlers)
    }
}

impl Event {
    /// The number, and above it the descriptor of the module's types.
    fn cookie(&self) -> c_long {
        c_long::from(self.module) << u32::BITS | c_long::from(self.id)
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for id in &self.ids {
            // SAFETY: they are numbers that libbpf gave us, and the lock is still held. No object
            // looks at its programs' handlers once it is loaded.
            unsafe { sys::libbpf_unregister_prog_handler(*id) };
        }
    }
}

fn attach_type(attach: &Attach) -> Option<sys::bpf_attach_type> {
    Some(match attach {
        Attach::Tracepoint { .. } | Attach::SyscallEntry { .. } | Attach::SyscallReturn { .. } => {
            sys::BPF_TRACE_RAW_TP
        }
        Attach::Fentry { .. } => sys::BPF_TRACE_FENTRY,
        Attach::Fexit { .. } => sys::BPF_TRACE_FEXIT,
        _ => return None,
    })
}

/// The number of the type that describes an event, and the module that has the type.
fn described(attach: &Attach, types: Types) -> Option<(u32, Option<String>)> {
    let (module, name, kind) = attach.described()?;
    let btf = types(module)?;
    let id = btf.find(&name, |k| k == kind)?;
    // A module's event may be described by the kernel's own types.
    Some((id, module.filter(|_| id >= btf.first()).map(str::to_owned)))
}

/// The kernel's object with the types of a module.
fn types_of_module(module: &str) -> Option<OwnedFd> {
    let mut id = 0;
    loop {
        // SAFETY: it writes the next id to the given place, or fails behind the last.
        if unsafe { sys::bpf_btf_get_next_id(id, &mut id) } != 0 {
            return None;
        }
        // SAFETY: it takes a number, and gives a descriptor that is ours alone.
        let fd = unsafe { sys::bpf_btf_get_fd_by_id(id) };
        if fd < 0 {
            // It has gone meanwhile.
            continue;
        }
        // SAFETY: see above.
        let types = unsafe { OwnedFd::from_raw_fd(fd) };
        if name_of(&types).is_some_and(|name| name == module.as_bytes()) {
            return Some(types);
        }
    }
}

/// The name of an object with types.
fn name_of(types: &OwnedFd) -> Option<Vec<u8>> {
    let mut name = [0u8; 64];
    let mut info = sys::bpf_btf_info {
        name: name.as_mut_ptr() as u64,
        name_len: name.len() as u32,
        ..Default::default()
    };
    let mut size = size_of::<sys::bpf_btf_info>() as u32;
    // SAFETY: the structure and the buffer for the name live during the call and are as large as
    // is said.
    let failed =
        unsafe { sys::bpf_btf_get_info_by_fd(types.as_raw_fd(), &mut info, &mut size) } != 0;
    if failed {
        return None;
    }
    Some(name.split(|b| *b == 0).next().unwrap_or_default().to_vec())
}

/// What libbpf calls before it loads such a program.
unsafe extern "C" fn prepare(
    program: *mut sys::bpf_program,
    options: *mut sys::bpf_prog_load_opts,
    cookie: c_long,
) -> c_int {
    // SAFETY: both are libbpf's own, valid during the call. The program's object isn't loaded
    // yet, so that its type can still be changed.
    unsafe {
        (*options).attach_btf_id = cookie as u32;
        (*options).attach_btf_obj_fd = (cookie >> u32::BITS) as u32;
        sys::bpf_program__set_type(program, sys::BPF_PROG_TYPE_TRACING)
    }
}

/// What an object's relocations refer to.
struct Relocated {
    types: Btf,
    ext: Vec<u8>,
}

impl Relocated {
    fn of(object: &[u8]) -> Option<Relocated> {
        let file = object::File::parse(object).ok()?;
        let section = |name: &str| Some(file.section_by_name(name)?.data().ok()?.to_vec());
        let types = Btf::parse(Cow::Owned(section(".BTF")?), None).ok()?;
        Some(Relocated { types, ext: section(".BTF.ext")? })
    }

    fn roots(&self) -> Option<Roots<'_>> {
        roots(&self.types, &self.ext)
    }
}

fn unnamed_file() -> io::Result<File> {
    // SAFETY: the name is a string that lives as long as the call, and nobody else has the
    // descriptor.
    unsafe {
        match libc::memfd_create(c"types".as_ptr(), libc::MFD_CLOEXEC) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(File::from_raw_fd(fd)),
        }
    }
}
