//! The live kernel: types, symbols, features and probes of the machine that runs us.
//!
//! In: `/sys/kernel/btf`, tracefs, `/proc/kallsyms` and trial loads, each looked at when
//! it is first asked for and then kept; or, for a check without the kernel, a file of BTF.
//! Out: the answers to [`Kernel`]. Which probes there are is the providers' knowledge.

use crate::feature;
use crate::module_file;
use crate::probe;
use crate::symbols::Symbols;
use crate::tracefs::{Tracefs, TracefsError};
use crate::user::Users;
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use strand_compiler::btf::{Btf, BtfKind, BtfType};
use strand_compiler::kernel::{
    Feature, Kernel, Probe, ProbeArg, ProbeError, ProbePattern, Symbol, SymbolError,
};

/// Where the kernel shows its types.
const BTF_FOLDER: &str = "/sys/kernel/btf";

/// What is known of the kernel so far.
#[derive(Debug, Default)]
pub struct LiveKernel {
    /// Types come from this file instead, and nothing is asked of the running kernel.
    btf_file: Option<PathBuf>,
    btf: OnceLock<Option<Arc<Btf>>>,
    modules: Mutex<FxHashMap<String, Option<Arc<Btf>>>>,
    tracefs: OnceLock<Result<Tracefs, TracefsError>>,
    symbols: OnceLock<Option<Symbols>>,
    features: Mutex<FxHashMap<Feature, bool>>,
    probes: Mutex<FxHashMap<u32, Probe>>,
    matches: Mutex<FxHashMap<ProbePattern, Result<Vec<Probe>, ProbeError>>>,
    traceable: OnceLock<Option<FxHashSet<Box<str>>>>,
    tracepoints: OnceLock<FxHashMap<Box<str>, u32>>,
    module_tracepoints: OnceLock<FxHashMap<Box<str>, (String, u32)>>,
    many_arguments: OnceLock<bool>,
    /// Probes that came into being because a script named them, by provider.
    named: Mutex<BTreeMap<&'static str, Vec<String>>>,
    users: Mutex<Users>,
    /// Markers are wanted of processes that start later too.
    later: AtomicBool,
    thorough: AtomicBool,
}

/// Why a file of BTF can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BtfFileError {
    /// It can't be read.
    #[error("{path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It isn't BTF, alone or as a section of an ELF file.
    #[error("{path} holds no BTF")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: strand_compiler::btf::BtfError,
    },
}

impl LiveKernel {
    /// The running kernel.
    pub fn new() -> LiveKernel {
        LiveKernel::default()
    }

    /// A kernel of which nothing is known: for what needs no kernel.
    pub fn without_types() -> LiveKernel {
        let kernel = LiveKernel { btf_file: Some(PathBuf::new()), ..LiveKernel::default() };
        // The cell is new, so this can't fail.
        let _ = kernel.btf.set(None);
        kernel
    }

    /// A kernel of which only the types are known.
    pub fn of_btf_file(path: PathBuf) -> Result<LiveKernel, BtfFileError> {
        let btf = read_btf(&path)?;
        let kernel = LiveKernel { btf_file: Some(path), ..LiveKernel::default() };
        // The cell is new, so this can't fail.
        let _ = kernel.btf.set(Some(Arc::new(btf)));
        Ok(kernel)
    }

    /// Whether this is the running kernel, not a file.
    pub fn is_live(&self) -> bool {
        self.btf_file.is_none()
    }

    /// The kernel's events, if they can be looked at.
    pub fn tracefs(&self) -> Result<&Tracefs, TracefsError> {
        let open = || if self.is_live() { Tracefs::open() } else { Err(TracefsError::Missing) };
        self.tracefs.get_or_init(open).as_ref().map_err(TracefsError::clone)
    }

    /// The symbol table, if it can be read.
    pub fn symbols(&self) -> Option<&Symbols> {
        let read = || if self.is_live() { Symbols::read().ok() } else { None };
        self.symbols.get_or_init(read).as_ref()
    }

    /// Functions that can be traced, as tracefs lists them; `None` if it doesn't say.
    pub fn traceable(&self) -> Option<&FxHashSet<Box<str>>> {
        let read = || {
            let text = self.tracefs().ok()?.read("available_filter_functions").ok()?;
            Some(
                text.lines()
                    .filter_map(|l| l.split_ascii_whitespace().next())
                    .map(Box::from)
                    .collect(),
            )
        };
        self.traceable.get_or_init(read).as_ref()
    }

    /// The typedef of a tracepoint's prototype, in the kernel or else in a module.
    pub fn tracepoint(&self, event: &str) -> Option<(Option<String>, u32)> {
        if let Some(id) = self.tracepoints()?.get(event) {
            return Some((None, *id));
        }
        let (module, id) = self.module_tracepoints().get(event)?;
        Some((Some(module.clone()), *id))
    }

    /// Typedefs of the kernel's own tracepoints; `None` without BTF.
    pub fn tracepoints(&self) -> Option<&FxHashMap<Box<str>, u32>> {
        let btf = self.btf()?;
        Some(
            self.tracepoints
                .get_or_init(|| tracepoints(&btf).map(|(id, event)| (event.into(), id)).collect()),
        )
    }

    /// Likewise those of all modules. Reads every module's BTF.
    pub fn module_tracepoints(&self) -> &FxHashMap<Box<str>, (String, u32)> {
        self.module_tracepoints.get_or_init(|| {
            let mut all = FxHashMap::default();
            for module in self.btf_modules() {
                if let Some(btf) = self.module_btf(&module) {
                    let own = tracepoints(&btf);
                    all.extend(own.map(|(id, event)| (event.into(), (module.clone(), id))));
                }
            }
            all
        })
    }

    /// Whether fentry takes functions with more arguments than registers.
    pub fn fentry_takes_many_arguments(&self) -> bool {
        *self.many_arguments.get_or_init(|| {
            may_ask(self)
                && self.btf().is_some_and(|btf| feature::fentry_takes_many_arguments(&btf))
        })
    }

    /// Names of a provider's probes that aren't listed, in the order of their ids; with one
    /// more, if `new` is none of them yet.
    pub fn named(&self, provider: &'static str, new: Option<&str>) -> Vec<String> {
        let mut all = lock(&self.named);
        let names = all.entry(provider).or_default();
        if let Some(new) = new
            && names.iter().all(|known| known != new)
        {
            names.push(new.to_owned());
        }
        names.clone()
    }

    /// What is known of user programs.
    pub fn users(&self) -> MutexGuard<'_, Users> {
        lock(&self.users)
    }

    /// From now on a probe is only there if it can be traced, even where to find that out takes
    /// longer than to try it.
    pub fn be_thorough(&self) {
        self.thorough.store(true, Ordering::Relaxed);
    }

    /// Whether that is wanted.
    pub fn is_thorough(&self) -> bool {
        self.thorough.load(Ordering::Relaxed)
    }

    /// From now on descriptions of markers are also about processes that start later.
    pub fn want_later_processes(&self) {
        self.later.store(true, Ordering::Relaxed);
    }

    /// Whether they are.
    pub fn wants_later_processes(&self) -> bool {
        self.later.load(Ordering::Relaxed)
    }

    /// The probe with this id that a pattern has found before.
    pub fn known(&self, id: u32) -> Option<Probe> {
        lock(&self.probes).get(&id).cloned()
    }

    /// Bytes of a module's BTF file: an upper bound of the number of its types.
    pub fn module_btf_len(&self, module: &str) -> u64 {
        std::fs::metadata(format!("{BTF_FOLDER}/{module}")).map_or(0, |m| m.len())
    }
}

/// Own tracepoints of a BTF: the kernel describes each by a typedef of its callbacks.
fn tracepoints(btf: &Btf) -> impl Iterator<Item = (u32, &str)> {
    btf.own(|k| k == BtfKind::Typedef)
        .filter_map(|(id, name)| Some((id, name.strip_prefix("btf_trace_")?)))
}

/// A cache stays right when a thread that used it has panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kernel for LiveKernel {
    fn btf(&self) -> Option<Arc<Btf>> {
        self.btf.get_or_init(own_types).clone()
    }

    fn module_btf(&self, module: &str) -> Option<Arc<Btf>> {
        if module == "vmlinux" {
            return self.btf();
        }
        if !self.is_live() || module.contains('/') {
            return None;
        }
        if let Some(known) = lock(&self.modules).get(module) {
            return known.clone();
        }
        let btf = self.btf().and_then(|base| module_types(module, base));
        lock(&self.modules).insert(module.to_owned(), btf.clone());
        btf
    }

    fn btf_modules(&self) -> Vec<String> {
        if !self.is_live() {
            return Vec::new();
        }
        btf_modules()
    }

    fn probes(&self, pattern: &ProbePattern) -> Result<Vec<Probe>, ProbeError> {
        if let Some(found) = lock(&self.matches).get(pattern) {
            return found.clone();
        }
        let found = probe::find(self, pattern);
        lock(&self.matches).insert(pattern.clone(), found.clone());
        let found = found?;
        let mut known = lock(&self.probes);
        for p in &found {
            known.entry(p.id).or_insert_with(|| p.clone());
        }
        Ok(found)
    }

    fn args(&self, probe: &Probe) -> Vec<ProbeArg> {
        match &probe.args {
            Some(args) => args.clone(),
            None => probe::provider(&probe.provider).args(self, probe),
        }
    }

    fn near_probes(&self, pattern: &ProbePattern) -> Vec<String> {
        probe::near(self, pattern)
    }

    fn why_no_probe(&self, pattern: &ProbePattern) -> Option<ProbeError> {
        probe::why_none(self, pattern)
    }

    fn symbol(&self, module: Option<&str>, name: &str) -> Result<Symbol, SymbolError> {
        let symbols = self.symbols().ok_or(SymbolError::Hidden)?;
        let Some((address, class)) = symbols.find(module, name) else {
            return Err(if module.is_some_and(|m| !symbols.has_module(m)) {
                SymbolError::NotLoaded
            } else if symbols.has_data() {
                SymbolError::Unknown
            } else {
                SymbolError::NoDataSymbols
            });
        };
        if symbols.hidden() {
            return Err(SymbolError::Hidden);
        }
        let module = module.filter(|m| *m != "vmlinux");
        let ty = self.types_of(module).and_then(|btf| {
            let id = btf.find(name, |k| matches!(k, BtfKind::Var | BtfKind::Function))?;
            let owner = module.filter(|_| id >= btf.first()).map(str::to_owned);
            match btf.ty(id) {
                BtfType::Var { ty, .. } => Some((owner, ty)),
                BtfType::Function { proto, .. } => Some((owner, proto)),
                _ => None,
            }
        });
        Ok(Symbol { address, class, ty })
    }

    fn has(&self, feature: Feature) -> bool {
        if let Some(known) = lock(&self.features).get(&feature) {
            return *known;
        }
        let needs_btf = matches!(
            feature,
            Feature::BtfTracepoint | Feature::Fentry | Feature::TracepointsNeverNest
        );
        let btf = if needs_btf || !may_ask(self) { self.btf() } else { None };
        let answer = if may_ask(self) {
            feature::has(feature, btf.as_deref())
        } else {
            btf.is_some_and(|btf| feature::by_types(feature, &btf))
        };
        lock(&self.features).insert(feature, answer);
        answer
    }

    fn cpus(&self) -> u32 {
        // SAFETY: it takes no arguments.
        let n = unsafe { libbpf_sys::libbpf_num_possible_cpus() };
        u32::try_from(n).unwrap_or(1).max(1)
    }

    fn wall_clock_offset(&self) -> i64 {
        wall_clock_offset()
    }
}

/// The running kernel's types. From 6.16 on they are there to be mapped, though only privately, and
/// nothing is copied; before, they are read anew. A read gives but a page of some thousand.
pub fn own_types() -> Option<Arc<Btf>> {
    static MAPPED: OnceLock<Option<memmap2::Mmap>> = OnceLock::new();
    let path = format!("{BTF_FOLDER}/vmlinux");
    let mapped = MAPPED.get_or_init(|| {
        let file = std::fs::File::open(&path).ok()?;
        // SAFETY: the kernel doesn't change its types, and the mapping is for good.
        unsafe { memmap2::MmapOptions::new().map_copy_read_only(&file) }.ok()
    });
    let data = match mapped {
        Some(mapping) => Cow::Borrowed(&mapping[..]),
        None => Cow::Owned(std::fs::read(path).ok()?),
    };
    Some(Arc::new(Btf::parse(data, None).ok()?))
}

/// Names of loaded modules with types, sorted.
pub fn btf_modules() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(BTF_FOLDER) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .filter(|name| name != "vmlinux")
        .collect();
    names.sort();
    names
}

/// The types of a module, or the kernel's own, each read once.
pub fn types_by_module() -> impl Fn(Option<&str>) -> Option<Arc<Btf>> {
    let known: RefCell<FxHashMap<Option<String>, Option<Arc<Btf>>>> = RefCell::default();
    move |module| {
        let key = module.map(str::to_owned);
        if let Some(types) = known.borrow().get(&key) {
            return types.clone();
        }
        let own = || known.borrow_mut().entry(None).or_insert_with(own_types).clone();
        let types = match module {
            None => own(),
            Some(module) => own().and_then(|own| module_types(module, own)),
        };
        known.borrow_mut().insert(key, types.clone());
        types
    }
}

/// Those of one of its modules, likewise.
pub fn module_types(module: &str, base: Arc<Btf>) -> Option<Arc<Btf>> {
    let shown = std::fs::read(format!("{BTF_FOLDER}/{module}")).ok();
    let data = shown.or_else(|| module_file::types(module))?;
    Some(Arc::new(Btf::parse(data, Some(base)).ok()?))
}

/// Reads BTF that is a file of its own or a section of an ELF file.
fn read_btf(path: &Path) -> Result<Btf, BtfFileError> {
    let data = std::fs::read(path)
        .map_err(|source| BtfFileError::Read { path: path.to_owned(), source })?;
    let data = if data.starts_with(b"\x7fELF") {
        feature::btf_section(path).unwrap_or_default()
    } else {
        data
    };
    Btf::parse(data, None).map_err(|source| BtfFileError::Parse { path: path.to_owned(), source })
}

/// Whether trial loads are possible: the kernel is the running one and lets us load programs.
fn may_ask(kernel: &LiveKernel) -> bool {
    kernel.is_live() && crate::process::may_trace()
}

/// Nanoseconds from the monotonic clock to the time since 1970. The two clocks can't be
/// read at once: the reading between which least time passed is the best of a few.
pub fn wall_clock_offset() -> i64 {
    use crate::process::{Clock, now};
    (0..5)
        .map(|_| {
            let before = now(Clock::Monotonic);
            let wall = now(Clock::Real);
            let after = now(Clock::Monotonic);
            (after - before, wall - (before + (after - before) / 2))
        })
        .min_by_key(|(width, _)| *width)
        .map_or(0, |(_, offset)| offset)
}
