//! Object to kernel: open, size, load.
//!
//! In: an object's bytes and its manifest. Out: [`Loaded`]: programs and maps in the kernel,
//! and the shared word that says whether tracing is on. One type for each state, so that
//! nothing is attached before it is loaded. What libbpf prints is kept, and told apart into
//! errors; what the verifier says is brought back to the line of D that it is about.

mod said;
mod types;

use crate::absent;
use crate::open_files;
use crate::options::Options;
use libbpf_rs::{MapCore, MapType, Object, ObjectBuilder, OpenObject, ProgramAttachType};
use said::{keep_logs, log_lines, refusal};
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use strand_compiler::bpf::SCRATCH_MAP;
use strand_compiler::kernel::Attach;
use strand_compiler::manifest::{Manifest, STATE_OFFSET, State, Volume, WALL_CLOCK_OFFSET};

pub use said::{Place, quiet_libbpf};
pub(crate) use said::{last_message, messages};
pub use types::KnownTypes;

/// Why an object can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// libbpf can't make sense of it.
    #[error("the object can't be opened: {0}")]
    Open(String),
    /// The verifier refuses a program.
    #[error("the kernel's verifier refuses the program {program}: {reason}{place}")]
    Refused {
        /// The program's symbol.
        program: String,
        /// The verifier's words.
        reason: String,
        /// Where in the D program.
        place: Place,
        /// All that the verifier said.
        log: String,
    },
    /// It is more than the verifier looks at.
    #[error(
        "what is to be done at {probe} takes the kernel's verifier too long to look at: it gave up\
         {place}"
    )]
    TooLarge {
        /// The program's symbol, then the probe's description.
        probe: String,
        /// Where in the D program.
        place: Place,
    },
    /// The kernel doesn't let a function be traced.
    #[error("{probe} can't be traced: {reason}")]
    Function {
        /// The probe's description.
        probe: String,
        /// The function.
        event: Box<Attach>,
        /// The kernel's words.
        reason: String,
    },
    /// The kernel lets no program write to processes' memory.
    #[error(
        "this kernel lets no BPF program write to the memory of processes, \
         so copyout() and copyoutstr() can't be used{0}"
    )]
    NoWriting(Place),
    /// A map can't be made.
    #[error("the map {map} of {bytes} bytes can't be made")]
    Map {
        /// Its name.
        map: String,
        /// What was asked for.
        bytes: u64,
        /// Why.
        source: io::Error,
    },
    /// Too many files would be open.
    #[error("the program takes more open files than the {allowed} that are allowed")]
    Files {
        /// The limit.
        allowed: u64,
        /// The error.
        source: io::Error,
    },
    /// The kernel lacks what a probe of a built program is made of.
    #[error("{probe} isn't there on this kernel ({release}): it has no {what}")]
    Absent {
        /// The program's symbol.
        program: String,
        /// The probe's description.
        probe: String,
        /// The event or function.
        what: String,
        /// The kernel's release.
        release: String,
    },
    /// The kernel's structures lack a field.
    #[error("{probe} can't be traced on this kernel ({release}): it has no {field}{place}")]
    Field {
        /// The probe's description.
        probe: String,
        /// Type and field.
        field: String,
        /// Where in the D program.
        place: Place,
        /// The kernel's release.
        release: String,
    },
    /// An event has other parameters than where the program was built.
    #[error(
        "{probe} can't be traced on this kernel ({release}) by what was built for another: its \
         arguments are others here{difference}"
    )]
    Arguments {
        /// The program.
        program: String,
        /// What is known of it: nothing, or a colon and which argument is another.
        difference: String,
        /// The probe's description.
        probe: String,
        /// The kernel's release.
        release: String,
    },
    /// Anything else.
    #[error("the program can't be loaded: {reason}")]
    Other {
        /// libbpf's words.
        reason: String,
        /// The error.
        source: io::Error,
    },
    /// The object lacks something that its manifest names.
    #[error("the object has no {0}, which its manifest names")]
    Missing(String),
}

impl LoadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            LoadError::Refused { .. } => Some(
                "this is a bug of strand: please report it with the program and what `-v` prints"
                    .to_owned(),
            ),
            LoadError::TooLarge { .. } => Some(
                "clauses of a probe are looked at together: fewer branches and loops in them, or \
                 fewer that share `this->` variables, are looked at sooner"
                    .to_owned(),
            ),
            LoadError::NoWriting(_) => Some(
                "a kernel that is locked down (lockdown=integrity) refuses it to everybody"
                    .to_owned(),
            ),
            LoadError::Map { source, .. } if source.raw_os_error() == Some(libc::ENOMEM) => {
                Some("-x bufsize, -x dynvarsize and -x aggsize make maps smaller".to_owned())
            }
            LoadError::Files { source, .. } => open_files::hint(source),
            _ => None,
        }
    }

    /// Tells apart what the verifier says of a program from what it says of the function that
    /// the program is for: that comes before it has looked at any instruction.
    fn of(self, manifest: &Manifest) -> LoadError {
        let lacks = absent::field(&self, manifest).or_else(|| absent::arguments(&self, manifest));
        if let Some(lacks) = lacks {
            return lacks;
        }
        if let LoadError::TooLarge { probe, place } = self {
            return LoadError::TooLarge { probe: absent::probe(manifest, &probe), place };
        }
        let LoadError::Refused { program, reason, log, .. } = &self else { return self };
        let found = manifest.programs.iter().find(|p| p.name == *program);
        let Some(event @ (Attach::Fentry { .. } | Attach::Fexit { .. })) =
            found.and_then(|p| p.attach.first())
        else {
            return self;
        };
        let verified = log.lines().any(|l| l.starts_with("0: "));
        let probe = found.and_then(|p| manifest.description(*p.probes.first()?));
        if verified {
            return self;
        }
        LoadError::Function {
            probe: probe.unwrap_or_else(|| program.clone()),
            event: Box::new(event.clone()),
            reason: reason.clone(),
        }
    }
}

/// An object that libbpf has read.
pub struct Opened {
    object: OpenObject,
    /// libbpf calls it when it loads the object.
    _handlers: types::Handlers,
    manifest: Manifest,
}

/// Reads an object. Of what is `known` libbpf reads nothing.
pub fn open(object: &[u8], manifest: Manifest, known: &KnownTypes) -> Result<Opened, LoadError> {
    let handlers = known.register().map_err(|e| LoadError::Open(e.to_string()))?;
    let mut builder = ObjectBuilder::default();
    let unfit = |e: libbpf_rs::Error| LoadError::Open(e.to_string());
    builder.name("strand").map_err(unfit)?;
    if let Some(types) = known.relocated() {
        builder.btf_custom_path(types).map_err(unfit)?;
    }
    let object = builder.open_memory(object).map_err(|e| {
        let said = messages();
        // libbpf opens something for each map.
        let source = os_error(&e);
        if let Some(libc::EMFILE | libc::ENFILE) = source.raw_os_error() {
            return LoadError::Files { allowed: open_files::allowed(), source };
        }
        LoadError::Open(if said.is_empty() { e.to_string() } else { last_message(&said) })
    })?;
    Ok(Opened { object, _handlers: handlers, manifest })
}

/// Bytes of the record buffer, as a power of two of at least a page: the option's for each
/// processor that can fill it at the same time, but no more than can be needed.
fn buffer_size(manifest: &Manifest, bufsize: u64, cpus: u64) -> u32 {
    let mut wanted = 0u64;
    let (mut faults, mut bursts) = (0, 0);
    for program in &manifest.programs {
        let Volume { bytes, only_faults } = program.volume;
        let all = |kinds: fn(&Attach) -> bool| program.attach.iter().all(kinds);
        let once = all(|a| matches!(a, Attach::Begin | Attach::End));
        match bytes {
            Some(bytes) if once => wanted = wanted.saturating_add(bytes),
            Some(0) => {}
            _ => {
                // What the runtime fires never runs twice at a time.
                let alone = once || all(|a| matches!(a, Attach::Error | Attach::Tick { .. }));
                let together = if alone { 1 } else { cpus };
                let kind = if only_faults { &mut faults } else { &mut bursts };
                *kind = together.max(*kind);
            }
        }
    }
    let room = |size: u64, cpus: u64| size.saturating_mul(cpus);
    wanted = wanted.saturating_add(room(bufsize.min(FAULTS), faults));
    // The kernel keeps one byte free.
    let most = room(bufsize, bursts.max(faults).max(1));
    wanted = most.min(if bursts > 0 { most } else { wanted.saturating_add(1) });
    // The kernel takes at most 2 GiB, and a page on all architectures is at most 64 KiB.
    wanted.clamp(page_size(), 1 << 31).next_power_of_two().min(1 << 31) as u32
}

/// Bytes for what tells of faults, of each processor, if nothing else is put into the buffer. It is
/// some thousand of them before the reader looks; what it loses is counted.
const FAULTS: u64 = 128 << 10;

fn page_size() -> u64 {
    // SAFETY: it takes a number and can't fail for this one.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(size).unwrap_or(4096)
}

impl Opened {
    /// Writes the values of macros to where the programs read them.
    fn write_macros(&mut self) -> Result<(), LoadError> {
        if self.manifest.macros.is_empty() {
            return Ok(());
        }
        let missing = || LoadError::Missing(".rodata".to_owned());
        let mut maps = self.object.maps_mut();
        let mut map =
            maps.find(|m| m.name().to_string_lossy().ends_with(".rodata")).ok_or_else(missing)?;
        let data = map.initial_value_mut().ok_or_else(missing)?;
        for m in &self.manifest.macros {
            let room = data.get_mut(m.offset as usize..).and_then(|d| d.get_mut(..m.value.len()));
            room.ok_or_else(missing)?.copy_from_slice(&m.value);
        }
        Ok(())
    }

    /// Leaves out programs by their symbols.
    pub fn leave_out(&mut self, left_out: &[String]) {
        for mut program in self.object.progs_mut() {
            if left_out.iter().any(|name| program.name() == name.as_str()) {
                program.set_autoload(false);
            }
        }
        self.manifest.programs.retain(|p| !left_out.contains(&p.name));
    }

    /// Loads programs and maps.
    pub fn load(mut self, options: &Options) -> Result<Loaded, LoadError> {
        let cpus = crate::process::online_cpus().len() as u64;
        let size = buffer_size(&self.manifest, options.number("bufsize").unwrap_or(0), cpus);
        let mut sizes = Vec::new();
        for mut map in self.object.maps_mut() {
            let name = map.name().to_string_lossy().into_owned();
            if map.map_type() == MapType::RingBuf
                && Some(&name) == self.manifest.maps.records.as_ref()
            {
                map.set_max_entries(size).map_err(|e| LoadError::Open(format!("{name}: {e}")))?;
            }
            if map.map_type() == MapType::Array && name.starts_with(SCRATCH_MAP) {
                let cpus = crate::process::end_of_cpus();
                map.set_max_entries(cpus).map_err(|e| LoadError::Open(format!("{name}: {e}")))?;
            }
            let element = u64::from(map.key_size()) + u64::from(map.value_size());
            sizes.push((name, u64::from(map.max_entries()) * element.max(1)));
        }
        self.write_macros()?;
        self.prepare_functions();
        self.prepare_user_programs();
        if options.on("bpflog") {
            keep_logs();
            for mut program in self.object.progs_mut() {
                program.set_log_level(1);
            }
        }
        messages();
        let object = self.object.load();
        let object =
            object.map_err(|e| load_error(&e, &sizes, &self.manifest).of(&self.manifest))?;
        if options.on("bpflog") {
            eprint!("{}", log_lines(&messages()));
        }
        Loaded::new(object, self.manifest)
    }

    /// Programs that go to functions are loaded for links that have many, if these are many
    /// and the kernel knows such links.
    fn prepare_functions(&mut self) {
        let is_function =
            |a: &Attach| matches!(a, Attach::Kprobe { .. } | Attach::Kretprobe { .. });
        let programs = self.manifest.programs.iter();
        let programs = programs.filter(|p| p.attach.iter().any(is_function));
        let functions: usize = programs.map(|p| p.attach.len()).sum();
        if functions > FEW && crate::feature::kprobe_multi() {
            self.load_for(&ProgramAttachType::KprobeMulti, is_function);
        }
    }

    /// Programs that go to places in user programs are loaded for links that have many, if
    /// the kernel knows such links.
    fn prepare_user_programs(&mut self) {
        let is_user = |a: &Attach| a.user_place().is_some();
        let any = self.manifest.programs.iter().any(|p| p.attach.iter().any(is_user));
        if any && crate::feature::uprobe_multi() {
            self.load_for(&ProgramAttachType::TraceUprobeMulti, is_user);
        }
    }

    /// Says how the programs for some events are going to be attached.
    fn load_for(&mut self, kind: &ProgramAttachType, is_meant: impl Fn(&Attach) -> bool) {
        let programs = self.manifest.programs.iter();
        let programs = programs.filter(|p| p.attach.iter().any(&is_meant));
        let names: Vec<&str> = programs.map(|p| p.name.as_str()).collect();
        for mut program in self.object.progs_mut() {
            if program.name().to_str().is_some_and(|name| names.contains(&name)) {
                program.set_attach_type(kind.clone());
            }
        }
    }
}

/// So many functions are attached to one by one, which can reach some that links with many
/// can't.
const FEW: usize = 8;

fn load_error(error: &libbpf_rs::Error, sizes: &[(String, u64)], manifest: &Manifest) -> LoadError {
    let said = messages();
    if let Some(absent) = absent::event(&said, manifest) {
        return absent;
    }
    if let Some(absent) = absent::function(&said, manifest) {
        return absent;
    }
    if let Some(refused) = refusal(&said) {
        return refused;
    }
    let source = os_error(error);
    if let Some(libc::EMFILE | libc::ENFILE) = source.raw_os_error() {
        return LoadError::Files { allowed: open_files::allowed(), source };
    }
    let map = said.lines().filter(|l| l.contains("failed to create")).find_map(|line| {
        let name = line.split_once("map '")?.1.split('\'').next()?;
        sizes.iter().find(|(n, _)| n == name)
    });
    match map {
        Some((map, bytes)) => LoadError::Map { map: map.clone(), bytes: *bytes, source },
        None => LoadError::Other { reason: last_message(&said), source },
    }
}

/// The system's error behind one of libbpf-rs.
pub(crate) fn os_error(error: &libbpf_rs::Error) -> io::Error {
    // The library keeps the code to itself; what the standard library says of it has it.
    let text = format!("{error:#}");
    let code = text.rsplit_once("(os error ").and_then(|(_, rest)| rest.split_once(')'));
    match code.and_then(|(code, _)| code.parse().ok()) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::other(text),
    }
}

/// Programs and maps in the kernel. Nothing fires yet.
pub struct Loaded {
    pub(crate) object: Object,
    /// What the programs are and print.
    pub manifest: Manifest,
    shared: Shared,
}

/// Shared words with the programs: the start of `.bss`, mapped into this process.
struct Shared {
    words: NonNull<u8>,
    size: usize,
}

impl Loaded {
    fn new(object: Object, manifest: Manifest) -> Result<Loaded, LoadError> {
        let shared = Shared::of(&object)?;
        let loaded = Loaded { object, manifest, shared };
        loaded.shared.set_wall_clock();
        if let Some(table) = loaded.manifest.processors {
            let bytes = crate::processors::table(table.count);
            loaded.shared.fill(table.offset as usize, &bytes)?;
        }
        Ok(loaded)
    }

    /// A word of `.bss` that programs count in, at an offset that the manifest gives.
    pub fn counter(&self, offset: u32) -> Option<u64> {
        self.shared.counter(offset as usize)
    }

    /// The map of this name.
    pub fn map(&self, name: &str) -> Option<libbpf_rs::Map<'_>> {
        self.object.maps().find(|m| m.name() == name)
    }

    /// Says what may fire from now on.
    pub fn set_state(&self, state: State) {
        self.shared.state().store(state as u32, Ordering::SeqCst);
    }

    /// From now on everything may fire, unless BEGIN has called `exit()`; whether it may.
    pub fn activate(&self) -> bool {
        let (from, to) = (State::Starting as u32, State::Active as u32);
        let done =
            self.shared.state().compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
        done.is_ok()
    }

    /// Whether a program has called `exit()`, or we have stopped.
    pub fn is_stopping(&self) -> bool {
        self.shared.state().load(Ordering::SeqCst) == State::Stopping as u32
    }
}

impl Shared {
    fn of(object: &Object) -> Result<Shared, LoadError> {
        let missing = || LoadError::Missing(".bss".to_owned());
        let map = object
            .maps()
            .find(|m| m.name().to_string_lossy().ends_with(".bss"))
            .ok_or_else(missing)?;
        let mut size = 0;
        let raw = libbpf_rs::AsRawLibbpf::as_libbpf_object(&map);
        // SAFETY: `raw` is a map of a loaded object; libbpf has mapped its memory.
        let words = unsafe { libbpf_sys::bpf_map__initial_value(raw.as_ptr(), &mut size) };
        let words = NonNull::new(words.cast::<u8>()).ok_or_else(missing)?;
        if size < strand_compiler::manifest::BSS_START as libbpf_sys::size_t {
            return Err(missing());
        }
        Ok(Shared { words, size: size as usize })
    }

    /// Writes what only programs read.
    fn fill(&self, offset: usize, bytes: &[u8]) -> Result<(), LoadError> {
        if offset.checked_add(bytes.len()).is_none_or(|end| end > self.size) {
            return Err(LoadError::Missing(".bss".to_owned()));
        }
        // SAFETY: the memory is mapped as long as the object lives and the range was just
        // seen to lie within it; no program runs before BEGIN.
        unsafe {
            let to = self.words.byte_add(offset).as_ptr();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        Ok(())
    }

    fn state(&self) -> &AtomicU32 {
        // SAFETY: the memory is mapped as long as the object lives, the offset is within it
        // and aligned, and everybody uses the word as an atomic one.
        unsafe { self.words.byte_add(STATE_OFFSET as usize).cast::<AtomicU32>().as_ref() }
    }

    /// A word that programs count in.
    fn counter(&self, offset: usize) -> Option<u64> {
        let aligned = offset.is_multiple_of(8);
        let within = offset.checked_add(8).is_some_and(|end| end <= self.size);
        // SAFETY: the memory is mapped as long as the object lives; the offset was just seen to
        // be within it and aligned, and programs use the word as an atomic one.
        let word = (aligned && within)
            .then(|| unsafe { self.words.byte_add(offset).cast::<AtomicU64>().as_ref() });
        word.map(|word| word.load(Ordering::Relaxed))
    }

    fn set_wall_clock(&self) {
        let offset = crate::kernel::wall_clock_offset();
        // SAFETY: as for `state`.
        let word =
            unsafe { self.words.byte_add(WALL_CLOCK_OFFSET as usize).cast::<AtomicI64>().as_ref() };
        word.store(offset, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strand_compiler::kernel::PerfEvent;
    use strand_compiler::manifest::Program;

    #[test]
    fn the_buffer_is_shared_by_those_that_fill_it() {
        let volume = |bytes, only_faults| Volume { bytes, only_faults };
        let program = |attach, volume| Program {
            volume,
            ..Program::new(String::new(), vec![attach], Vec::new())
        };
        let sample = || Attach::Sample { event: PerfEvent::CLOCK, period: 1_000_000 };
        let size = |programs: Vec<Program>, bufsize, cpus| {
            buffer_size(&Manifest { programs, ..Manifest::default() }, bufsize, cpus)
        };
        let begin = || program(Attach::Begin, volume(Some(100_000), false));
        assert_eq!(size(vec![begin()], 4 << 20, 8), 128 << 10);
        assert_eq!(size(vec![begin()], 1 << 16, 8), 64 << 10);
        let endless = program(Attach::Begin, volume(None, false));
        assert_eq!(size(vec![endless], 4 << 20, 8), 4 << 20);
        let prints = |attach| program(attach, volume(Some(40), false));
        assert_eq!(size(vec![begin(), prints(Attach::Tick { period: 1 })], 4 << 20, 3), 4 << 20);
        assert_eq!(size(vec![begin(), prints(sample())], 4 << 20, 3), 16 << 20);
        let counts = program(sample(), volume(Some(40), true));
        assert_eq!(size(vec![counts.clone()], 4 << 20, 2), 512 << 10);
        assert_eq!(size(vec![counts], 1 << 16, 2), 128 << 10);
        assert_eq!(
            u64::from(size(vec![program(sample(), volume(Some(0), true))], 1, 1)),
            page_size()
        );
        assert_eq!(u64::from(size(vec![prints(sample())], 1, 1)), page_size());
        assert_eq!(size(vec![prints(sample())], u64::MAX, 8), 1 << 31);
    }
}
