//! What the running kernel's BPF can do: found out by asking it, never by its version.
//!
//! In: a [`Feature`]. Out: whether the kernel takes a small program that needs it. Each
//! question costs a load or two, so the caller keeps the answers.

use libbpf_sys as sys;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use strand_compiler::btf::{Btf, BtfKind, BtfType};
use strand_compiler::kernel::Feature;

/// Whether the running kernel has it; `btf` is the kernel's, if it has one.
pub fn has(feature: Feature, btf: Option<&Btf>) -> bool {
    match feature {
        Feature::Loop => helper(sys::BPF_FUNC_loop),
        Feature::Strncmp => helper(sys::BPF_FUNC_strncmp),
        Feature::TaskStorage => helper(sys::BPF_FUNC_task_storage_get),
        Feature::BtfTracepoint => btf.is_some_and(btf_tracepoint),
        Feature::Fentry => btf.is_some_and(fentry),
        Feature::Kprobe => {
            std::path::Path::new("/sys/bus/event_source/devices/kprobe/type").exists()
        }
        Feature::HashNoPrealloc => hash_no_prealloc(),
        // That takes two events, one in the other, which can't be had at will.
        Feature::TracepointsNeverNest => btf.is_some_and(|btf| by_types(feature, btf)),
    }
}

/// Whether BPF programs can be loaded at all.
pub fn any() -> io::Result<()> {
    match load(sys::BPF_PROG_TYPE_RAW_TRACEPOINT, &RETURN_ZERO, &options()) {
        Some(_) => Ok(()),
        None => Err(io::Error::last_os_error()),
    }
}

/// Whether raw tracepoints may call the helper. What they may call, all tracing programs may.
fn helper(id: u32) -> bool {
    // SAFETY: no options are passed.
    let answer = unsafe {
        sys::libbpf_probe_bpf_helper(
            sys::BPF_PROG_TYPE_RAW_TRACEPOINT,
            id,
            std::ptr::null::<std::ffi::c_void>(),
        )
    };
    answer == 1
}

/// `r0 = 0; exit`
const RETURN_ZERO: [sys::bpf_insn; 2] = [insn(0xb7, 0, 0), insn(0x95, 0, 0)];

/// `registers`: the source in the upper half, the destination in the lower.
const fn insn(code: u8, registers: u8, imm: i32) -> sys::bpf_insn {
    sys::bpf_insn {
        code,
        _bitfield_align_1: [],
        _bitfield_1: sys::__BindgenBitfieldUnit::new([registers]),
        off: 0,
        imm,
    }
}

/// Loads a program; `None` if the kernel refuses it.
fn load(
    kind: sys::bpf_prog_type,
    instructions: &[sys::bpf_insn],
    options: &sys::bpf_prog_load_opts,
) -> Option<OwnedFd> {
    // SAFETY: the pointers are to live values for the time of the call.
    let fd = unsafe {
        sys::bpf_prog_load(
            kind,
            c"strand_probe".as_ptr(),
            c"GPL".as_ptr(),
            instructions.as_ptr(),
            instructions.len() as u64,
            std::ptr::from_ref(options).cast_mut(),
        )
    };
    owned(fd)
}

fn owned(fd: RawFd) -> Option<OwnedFd> {
    // SAFETY: a descriptor that libbpf has just returned belongs to us alone.
    (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
}

fn options() -> sys::bpf_prog_load_opts {
    sys::bpf_prog_load_opts {
        sz: size_of::<sys::bpf_prog_load_opts>() as u64,
        ..Default::default()
    }
}

/// Loads an empty program for a typed event.
fn load_for(attach_type: sys::bpf_attach_type, btf_id: u32) -> Option<OwnedFd> {
    let options = sys::bpf_prog_load_opts {
        expected_attach_type: attach_type,
        attach_btf_id: btf_id,
        ..options()
    };
    load(sys::BPF_PROG_TYPE_TRACING, &RETURN_ZERO, &options)
}

/// Attaches a program that knows its event.
fn attach(program: &OwnedFd) -> Option<OwnedFd> {
    // SAFETY: an open descriptor, and no name: the event is in the program.
    owned(unsafe { sys::bpf_raw_tracepoint_open(std::ptr::null(), program.as_raw_fd()) })
}

/// Whether one link can have many functions of the kernel.
pub fn kprobe_multi() -> bool {
    let load_options =
        sys::bpf_prog_load_opts { expected_attach_type: sys::BPF_TRACE_KPROBE_MULTI, ..options() };
    let Some(program) = load(sys::BPF_PROG_TYPE_KPROBE, &RETURN_ZERO, &load_options) else {
        return false;
    };
    let mut link_options = sys::bpf_link_create_opts {
        sz: size_of::<sys::bpf_link_create_opts>() as u64,
        ..Default::default()
    };
    link_options.__bindgen_anon_1.kprobe_multi =
        sys::bpf_link_create_opts__bindgen_ty_1__bindgen_ty_2 {
            cnt: 1,
            // No address of ours: only who knows such links gets as far as to look there.
            addrs: std::ptr::without_provenance(8),
            ..Default::default()
        };
    // SAFETY: the kernel copies from the address, which it checks, and nothing else is passed.
    let link = unsafe {
        sys::bpf_link_create(program.as_raw_fd(), 0, sys::BPF_TRACE_KPROBE_MULTI, &link_options)
    };
    owned(link).is_none() && io::Error::last_os_error().raw_os_error() == Some(libc::EFAULT)
}

/// Whether one link can have many places in a user program, and keep to one process. The
/// first kernels that had such links kept to one thread; they also took any process id.
pub fn uprobe_multi() -> bool {
    let load_options =
        sys::bpf_prog_load_opts { expected_attach_type: sys::BPF_TRACE_UPROBE_MULTI, ..options() };
    let Some(program) = load(sys::BPF_PROG_TYPE_KPROBE, &RETURN_ZERO, &load_options) else {
        return false;
    };
    let error = |path: &CStr, pid: i32| {
        let offset: std::ffi::c_ulong = 0;
        let mut link_options = sys::bpf_link_create_opts {
            sz: size_of::<sys::bpf_link_create_opts>() as u64,
            ..Default::default()
        };
        link_options.__bindgen_anon_1.uprobe_multi =
            sys::bpf_link_create_opts__bindgen_ty_1__bindgen_ty_3 {
                path: path.as_ptr(),
                offsets: &offset,
                cnt: 1,
                pid: pid as u32,
                ..Default::default()
            };
        // SAFETY: the pointers are to live values for the time of the call.
        let link = unsafe {
            sys::bpf_link_create(
                program.as_raw_fd(),
                -1,
                sys::BPF_TRACE_UPROBE_MULTI,
                &link_options,
            )
        };
        match owned(link) {
            Some(_) => 0,
            None => io::Error::last_os_error().raw_os_error().unwrap_or(0),
        }
    };
    // A folder is no file: only who knows such links gets as far as to say so.
    error(c"/", 0) == libc::EBADF && error(c"/", -1) == libc::EINVAL
}

fn btf_tracepoint(btf: &Btf) -> bool {
    // Every kernel has this event. Where such a program loads, it attaches as any other
    // raw tracepoint does.
    btf.find("btf_trace_sched_process_exit", |k| k == BtfKind::Typedef)
        .is_some_and(|id| load_for(sys::BPF_TRACE_RAW_TP, id).is_some())
}

fn fentry(btf: &Btf) -> bool {
    // The first was made for such tests; the others are rare and in every kernel. What
    // may be loaded may still not be attached, where the kernel's text can't be changed.
    ["bpf_fentry_test1", "ptrace_traceme", "acct_on"]
        .iter()
        .find_map(|name| btf.find(name, |k| k == BtfKind::Function))
        .and_then(|id| load_for(sys::BPF_TRACE_FENTRY, id))
        .is_some_and(|program| attach(&program).is_some())
}

/// Whether a function with arguments on the stack can be traced by fentry (6.12 on x86-64).
/// Such programs load everywhere; it is only when one is attached that the kernel says no.
pub fn fentry_takes_many_arguments(btf: &Btf) -> bool {
    /// The kernel's own number for "not supported", which no C library has a name for.
    const ENOTSUPP: i32 = 524;
    /// Some functions can't be traced for other reasons.
    const CANDIDATES: usize = 8;
    let plain = |ty| matches!(btf.kind(btf.resolve(ty)), BtfKind::Int | BtfKind::Pointer);
    let candidates = btf.own(|k| k == BtfKind::Function).filter(|(id, _)| {
        let BtfType::Function { proto, .. } = btf.ty(*id) else { return false };
        let params = btf.params(proto);
        params.len() == 7 && params.iter().all(|(_, ty)| plain(*ty))
    });
    for (id, _) in candidates.take(CANDIDATES) {
        let Some(program) = load_for(sys::BPF_TRACE_FENTRY, id) else { continue };
        if attach(&program).is_some() {
            return true;
        }
        if io::Error::last_os_error().raw_os_error() == Some(ENOTSUPP) {
            return false;
        }
    }
    false
}

/// The `.BTF` section of an ELF file.
pub fn btf_section(path: &Path) -> Option<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: the path is NUL-terminated.
    let btf = unsafe { sys::btf__parse_elf(path.as_ptr(), std::ptr::null_mut()) };
    if btf.is_null() {
        return None;
    }
    let mut size = 0;
    // SAFETY: `btf` was returned by libbpf and not freed yet.
    let data = unsafe { sys::btf__raw_data(btf, &mut size) }.cast::<u8>();
    let bytes = (!data.is_null()).then(|| {
        // SAFETY: libbpf owns `size` bytes at `data` until `btf` is freed.
        unsafe { std::slice::from_raw_parts(data, size as usize) }.to_vec()
    });
    // SAFETY: nothing refers to it any more.
    unsafe { sys::btf__free(btf) };
    bytes
}

/// Before 6.1 a perf event's program with such a map is refused: its allocator isn't safe there.
fn hash_no_prealloc() -> bool {
    let map_options = sys::bpf_map_create_opts {
        sz: size_of::<sys::bpf_map_create_opts>() as u64,
        map_flags: sys::BPF_F_NO_PREALLOC,
        ..Default::default()
    };
    let name: &CStr = c"strand_probe";
    // SAFETY: the pointers are to live values for the time of the call.
    let map = unsafe {
        sys::bpf_map_create(sys::BPF_MAP_TYPE_HASH, name.as_ptr(), 8, 8, 1, &map_options)
    };
    let Some(map) = owned(map) else { return false };
    // r1 = map (a 16-byte load with a pseudo source); r0 = 0; exit
    let program =
        [insn(0x18, 0x11, map.as_raw_fd()), insn(0, 0, 0), RETURN_ZERO[0], RETURN_ZERO[1]];
    load(sys::BPF_PROG_TYPE_PERF_EVENT, &program, &options()).is_some()
}

/// What types say of a kernel that can't be asked: another machine's, or without privileges.
pub fn by_types(feature: Feature, btf: &Btf) -> bool {
    let helper = |name: &str| {
        btf.find("bpf_func_id", |k| k == BtfKind::Enum)
            .is_some_and(|id| btf.enumerators(id).iter().any(|(n, _)| *n == name))
    };
    let function = |name: &str| btf.find(name, |k| k == BtfKind::Function).is_some();
    match feature {
        Feature::Loop => helper("BPF_FUNC_loop"),
        Feature::Strncmp => helper("BPF_FUNC_strncmp"),
        Feature::TaskStorage => helper("BPF_FUNC_task_storage_get"),
        Feature::BtfTracepoint => {
            function("bpf_raw_tracepoint_open") || function("bpf_probe_register")
        }
        Feature::Fentry => function("bpf_trampoline_link_prog"),
        Feature::Kprobe => function("register_kprobe"),
        Feature::HashNoPrealloc => function("bpf_mem_alloc_init"),
        // Counted where it is left out since all kinds of tracing programs share that.
        Feature::TracepointsNeverNest => function("bpf_prog_inc_misses_counter"),
    }
}
