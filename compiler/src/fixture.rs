//! A kernel for tests: small, fixed, and nothing of the machine in it.
//!
//! In: C declarations (`fixture/kernel.h`) and the list of probes below. Out: a
//! [`Kernel`] that answers the same everywhere. Its builders change it: a feature less,
//! a module or a probe more. What the real one does with tracefs and kallsyms is the
//! runtime's business; this only keeps to the same conventions.
//!
//! Conventions for `argN` at a [`Site`]: an event gives its own words as `arg0` …; a
//! site's `args` say how the probe's are made from them where they differ.

use crate::btf::declare::{declare, declare_on};
use crate::btf::{Btf, BtfKind, BtfType};
use crate::kernel::{
    ArgType, Attach, Feature, Kernel, PerfEvent, Probe, ProbeArg, ProbeError, ProbePattern,
    ProbeStability, Site, Symbol, SymbolClass, SymbolError, glob_match,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};

/// The declarations of the kernel proper.
pub const KERNEL: &str = include_str!("fixture/kernel.h");
/// The declarations of its module `ext4`.
pub const MODULE: &str = include_str!("fixture/module.h");

/// Symbols that no BTF describes, as most of a kernel's data.
const UNTYPED: &[(&str, SymbolClass)] = &[
    ("linux_banner", SymbolClass::Variable),
    ("saved_command_line", SymbolClass::Variable),
    ("__per_cpu_offset", SymbolClass::Variable),
    ("untyped_of_each_cpu", SymbolClass::PerCpu),
    ("untyped_function", SymbolClass::Function),
];

/// A kernel for tests.
#[derive(Debug)]
pub struct FixtureKernel {
    btf: Option<Arc<Btf>>,
    modules: Vec<(String, Arc<Btf>)>,
    probes: Vec<Probe>,
    /// Made when first asked for, as `tick-5sec` is.
    made: Mutex<Vec<Probe>>,
    symbols: Vec<(Option<String>, String, u64, SymbolClass)>,
    data_symbols: bool,
    missing: BTreeSet<Feature>,
    cpus: u32,
}

impl Default for FixtureKernel {
    fn default() -> Self {
        Self::new()
    }
}

fn kernel_btf() -> Arc<Btf> {
    static BTF: OnceLock<Arc<Btf>> = OnceLock::new();
    BTF.get_or_init(|| Arc::new(parse(declare(KERNEL), None))).clone()
}

fn parse(bytes: Result<Vec<u8>, crate::btf::declare::DeclareError>, base: Option<Arc<Btf>>) -> Btf {
    let bytes = bytes.unwrap_or_else(|e| panic!("the fixture's declarations: {e}"));
    Btf::parse(bytes, base).unwrap_or_else(|e| panic!("the fixture's BTF: {e}"))
}

impl FixtureKernel {
    /// All features, four CPUs, the module `ext4`.
    pub fn new() -> Self {
        let mut kernel = Self::bare(kernel_btf());
        kernel.add_dtrace();
        kernel.add_syscalls();
        for (group, name) in [
            ("block", "block_bio_complete"),
            ("block", "block_bio_queue"),
            ("block", "block_rq_complete"),
            ("block", "block_rq_issue"),
            ("sched", "sched_process_fork"),
            ("sched", "sched_switch"),
            ("sched", "sched_wakeup"),
            ("writeback", "writeback_dirty_folio"),
        ] {
            kernel.add_tracepoint(group, name, None);
        }
        kernel.add_functions(None);
        kernel.add_io();
        kernel.with_module("ext4", MODULE)
    }

    /// No probes and no modules, only these types.
    pub fn bare(btf: Arc<Btf>) -> Self {
        let mut kernel = FixtureKernel {
            btf: Some(btf),
            modules: Vec::new(),
            probes: Vec::new(),
            made: Mutex::new(Vec::new()),
            symbols: Vec::new(),
            data_symbols: true,
            missing: BTreeSet::new(),
            cpus: 4,
        };
        kernel.add_symbols(None);
        kernel
    }

    /// Without a feature.
    pub fn without(mut self, feature: Feature) -> Self {
        self.missing.insert(feature);
        self
    }

    /// Without any types.
    pub fn without_btf(mut self) -> Self {
        self.btf = None;
        self.modules.clear();
        self
    }

    /// Without addresses of variables, as kernels without CONFIG_KALLSYMS_ALL are.
    pub fn without_data_symbols(mut self) -> Self {
        self.data_symbols = false;
        self
    }

    /// With so many CPUs.
    pub fn with_cpus(mut self, cpus: u32) -> Self {
        self.cpus = cpus;
        self
    }

    /// With a module of these declarations, all its functions and tracepoints among the
    /// probes. Panics if they aren't C or if the kernel has no types.
    pub fn with_module(mut self, name: &str, declarations: &str) -> Self {
        let base = self.btf.clone().expect("a module's types are on top of the kernel's");
        let btf = Arc::new(parse(declare_on(declarations, &base), Some(base)));
        let traced: Vec<String> = btf
            .own(|k| k == BtfKind::Typedef)
            .filter_map(|(_, n)| n.strip_prefix("btf_trace_").map(str::to_owned))
            .collect();
        self.modules.push((name.to_owned(), btf));
        self.add_symbols(Some(name));
        self.add_functions(Some(name));
        for tracepoint in traced {
            self.add_tracepoint(name, &tracepoint, Some(name));
        }
        self
    }

    /// With this probe; its id is set.
    pub fn with_probe(mut self, probe: Probe) -> Self {
        self.add(probe);
        self
    }

    fn add(&mut self, probe: Probe) {
        let id = self.probes.len() as u32 + 1;
        self.probes.push(Probe { id, ..probe });
    }

    fn btf_of(&self, module: Option<&str>) -> Option<Arc<Btf>> {
        match module {
            None => self.btf.clone(),
            Some(m) => self.modules.iter().find(|(n, _)| n == m).map(|(_, b)| b.clone()),
        }
    }

    // ----------------------------------------------------------- providers

    fn add_dtrace(&mut self) {
        for (name, attach) in [("BEGIN", Attach::Begin), ("END", Attach::End)] {
            self.add(probe("dtrace", "", "", name, Vec::new(), vec![site(attach)]));
        }
        let fault = [(1, "int"), (2, "int"), (3, "int"), (4, "int"), (5, "uint64_t")];
        let args = fault.map(|(native, ty)| plain(native, ty)).to_vec();
        self.add(probe("dtrace", "", "", "ERROR", args, vec![site(Attach::Error)]));
        for name in ["profile-97", "profile-997", "tick-1", "tick-10", "tick-1000"] {
            let made = timer(name).expect("a rate");
            self.add(made);
        }
    }

    fn add_syscalls(&mut self) {
        let (int, size, fd) = ("int", "size_t", "unsigned int");
        let (path, buffer) = ("const char *", "char *");
        let calls: &[(&str, u32, &[&str])] = &[
            ("read", 0, &[fd, buffer, size]),
            ("write", 1, &[fd, path, size]),
            ("open", 2, &[path, int, "umode_t"]),
            ("close", 3, &[fd]),
            ("fsync", 74, &[fd]),
            ("exit_group", 231, &[int]),
            ("openat", 257, &[int, path, int, "umode_t"]),
        ];
        for (name, number, types) in calls {
            let args = types.iter().enumerate().map(|(i, t)| ProbeArg {
                native: i as u8,
                ty: ArgType::D { text: (*t).into(), userland: t.ends_with('*') },
                translated: None,
            });
            let (number, compat) = (*number, Vec::new());
            let entry = Attach::SyscallEntry { number, compat, args: types.len() as u8 };
            let entry = vec![site(entry)];
            self.add(probe("syscall", "vmlinux", name, "entry", args.collect(), entry));
            let args = vec![plain(0, "long"), plain(1, "long")];
            let back = Site {
                attach: Attach::SyscallReturn { number, compat: Vec::new() },
                args: vec!["arg0".into(), "arg0".into()],
                when: None,
            };
            self.add(probe("syscall", "vmlinux", name, "return", args, vec![back]));
        }
    }

    /// A tracepoint as `sdt` and `rawtp` show it.
    fn add_tracepoint(&mut self, group: &str, name: &str, module: Option<&str>) {
        let module_name = module.map(str::to_owned);
        let btf = self.btf_of(module).expect("types of a tracepoint");
        let id = btf.find(&format!("btf_trace_{name}"), |k| k == BtfKind::Typedef);
        let proto = match btf.ty(btf.resolve(id.expect("a tracepoint's type"))) {
            BtfType::Pointer(proto) => proto,
            other => panic!("btf_trace_{name} is {other:?}"),
        };
        // The first parameter is the tracer's own.
        let args: Vec<ProbeArg> =
            typed_args(&module_name, btf.params(proto).iter().skip(1).map(|p| p.1));
        let count = args.len() as u8;
        let name = name.to_owned();
        let typed = Attach::Tracepoint { name: name.clone(), module: module_name, args: count };
        self.add(probe("sdt", group, "", &name, args.clone(), vec![site(typed)]));
        let raw = Attach::RawTracepoint { name: name.clone(), args: count };
        self.add(probe("rawtp", group, "", &name, args, vec![site(raw)]));
    }

    /// All functions of the kernel's or a module's types as `fbt` probes.
    fn add_functions(&mut self, module: Option<&str>) {
        let btf = self.btf_of(module).expect("types of functions");
        let shown = module.unwrap_or("vmlinux");
        let module = module.map(str::to_owned);
        for (id, function) in btf.own(|k| k == BtfKind::Function) {
            let BtfType::Function { proto, .. } = btf.ty(id) else { continue };
            let params = btf.params(proto);
            let args = params.len() as u8;
            let (function, module) = (function.to_owned(), module.clone());
            let typed = typed_args(&module, params.iter().map(|p| p.1));
            let entry = Attach::Fentry { module: module.clone(), function: function.clone(), args };
            self.add(probe("fbt", shown, &function, "entry", typed, vec![site(entry)]));
            let BtfType::FunctionProto { ret } = btf.ty(proto) else { continue };
            // Where in the function it returns, which nothing tells.
            let mut typed = vec![plain(0, "int")];
            let ret = ArgType::Btf { module: module.clone(), id: ret };
            typed.push(ProbeArg { native: 1, ty: ret, translated: None });
            let back = Site {
                attach: Attach::Fexit { module, function: function.clone(), args },
                args: vec!["-1".into(), format!("arg{args}")],
                when: None,
            };
            self.add(probe("fbt", shown, &function, "return", typed, vec![back]));
        }
    }

    /// `io:::start` and `io:::done`, whose arguments are translated.
    fn add_io(&mut self) {
        let arg = |to: &str| ProbeArg {
            native: 0,
            ty: ArgType::D { text: "struct bio *".into(), userland: false },
            translated: Some(format!("{to} *")),
        };
        let event = |name: &str, args, bio: &str| Site {
            attach: Attach::Tracepoint { name: name.into(), module: None, args },
            args: if bio == "arg0" { Vec::new() } else { vec![bio.into()] },
            // A request without data has no bio.
            when: bio.contains("->").then(|| format!("{bio} != 0")),
        };
        let args = || vec![arg("bufinfo_t"), arg("devinfo_t"), arg("fileinfo_t")];
        let queue = vec![event("block_bio_queue", 1, "arg0")];
        self.add(probe("io", "vmlinux", "", "start", args(), queue));
        let complete = vec![
            event("block_bio_complete", 2, "arg1"),
            event("block_rq_complete", 3, "((struct request *)arg0)->bio"),
        ];
        self.add(probe("io", "vmlinux", "", "done", args(), complete));
    }

    fn add_symbols(&mut self, module: Option<&str>) {
        let Some(btf) = self.btf_of(module) else { return };
        let known = btf.own(|k| matches!(k, BtfKind::Function | BtfKind::Var)).map(|(id, name)| {
            let function = matches!(btf.ty(id), BtfType::Function { .. });
            (name, if function { SymbolClass::Function } else { SymbolClass::Variable })
        });
        let untyped = UNTYPED.iter().copied().filter(|_| module.is_none());
        for (name, class) in known.chain(untyped) {
            let address = match class {
                SymbolClass::PerCpu => 0x33000,
                _ => 0xffff_ffff_8100_0000 + 0x1000 * self.symbols.len() as u64,
            };
            self.symbols.push((module.map(str::to_owned), name.to_owned(), address, class));
        }
    }
}

fn probe(
    provider: &str,
    module: &str,
    function: &str,
    name: &str,
    args: Vec<ProbeArg>,
    sites: Vec<Site>,
) -> Probe {
    Probe {
        id: 0,
        provider: provider.into(),
        module: module.into(),
        function: function.into(),
        name: name.into(),
        args: Some(args),
        sites,
        among_many: None,
        stability: ProbeStability::default(),
    }
}

/// An argument of a D type, not in user space.
fn plain(native: u8, ty: &str) -> ProbeArg {
    let ty = ArgType::D { text: ty.into(), userland: false };
    ProbeArg { native, ty, translated: None }
}

fn site(attach: Attach) -> Site {
    Site { attach, args: Vec::new(), when: None }
}

fn typed_args(module: &Option<String>, types: impl Iterator<Item = u32>) -> Vec<ProbeArg> {
    let arg = |(i, id)| ProbeArg {
        native: i as u8,
        ty: ArgType::Btf { module: module.clone(), id },
        translated: None,
    };
    types.enumerate().map(arg).collect()
}

/// The probe of a name like `tick-5sec` or `profile-997hz`; `None` if it is none.
fn timer(name: &str) -> Option<Probe> {
    const UNITS: &[(&[&str], u64)] = &[
        (&["ns", "nsec"], 1),
        (&["us", "usec"], 1_000),
        (&["ms", "msec"], 1_000_000),
        (&["s", "sec"], 1_000_000_000),
        (&["m", "min"], 60_000_000_000),
        (&["h", "hour"], 3_600_000_000_000),
        (&["d", "day"], 86_400_000_000_000),
    ];
    let (kind, rate) = name.split_once('-')?;
    let digits = rate.find(|c: char| !c.is_ascii_digit()).unwrap_or(rate.len());
    let n: u64 = rate[..digits].parse().ok().filter(|n| *n > 0)?;
    let period = match &rate[digits..] {
        "" | "hz" => 1_000_000_000 / n,
        unit => n.checked_mul(UNITS.iter().find(|(names, _)| names.contains(&unit))?.1)?,
    };
    let attach = match kind {
        "tick" => Attach::Tick { period },
        "profile" => Attach::Sample { event: PerfEvent::CLOCK, period },
        _ => return None,
    };
    let args = vec![plain(0, "uintptr_t"), plain(1, "uintptr_t")];
    Some(probe("profile", "", "", name, args, vec![site(attach)]))
}

fn matches(pattern: &ProbePattern, probe: &Probe) -> bool {
    match pattern.id {
        Some(id) => probe.id == id,
        None => {
            glob_match(&pattern.provider, &probe.provider)
                && glob_match(&pattern.module, &probe.module)
                && glob_match(&pattern.function, &probe.function)
                && glob_match(&pattern.name, &probe.name)
        }
    }
}

impl Kernel for FixtureKernel {
    fn btf(&self) -> Option<Arc<Btf>> {
        self.btf.clone()
    }

    fn module_btf(&self, module: &str) -> Option<Arc<Btf>> {
        self.btf_of(Some(module))
    }

    fn btf_modules(&self) -> Vec<String> {
        self.modules.iter().map(|(n, _)| n.clone()).collect()
    }

    fn probes(&self, pattern: &ProbePattern) -> Result<Vec<Probe>, ProbeError> {
        let mut made = self.made.lock().expect("no test panics while it asks");
        let known = |made: &[Probe]| -> Vec<Probe> {
            self.probes.iter().chain(made).filter(|p| matches(pattern, p)).cloned().collect()
        };
        let found = known(&made);
        if !found.is_empty() {
            return Ok(found);
        }
        if let Some(timer) = timer(&pattern.name) {
            let id = (self.probes.len() + made.len()) as u32 + 1;
            made.push(Probe { id, ..timer });
        }
        Ok(known(&made))
    }

    fn near_probes(&self, pattern: &ProbePattern) -> Vec<String> {
        let score = |p: &Probe| {
            let fields = [
                (&pattern.provider, &p.provider),
                (&pattern.module, &p.module),
                (&pattern.function, &p.function),
                (&pattern.name, &p.name),
            ];
            let far = |(a, b): (&String, &String)| if a.is_empty() { 0 } else { distance(a, b) };
            fields.into_iter().map(far).sum::<usize>()
        };
        let mut near: Vec<_> = self.probes.iter().map(|p| (score(p), p)).collect();
        near.retain(|(score, _)| *score <= 3);
        near.sort_by_key(|(score, p)| (*score, p.id));
        near.iter().take(5).map(|(_, p)| p.description()).collect()
    }

    fn symbol(&self, module: Option<&str>, name: &str) -> Result<Symbol, SymbolError> {
        let module = module.filter(|m| *m != "vmlinux");
        let found = self
            .symbols
            .iter()
            .find(|(m, n, ..)| n == name && (module.is_none() || m.as_deref() == module));
        let (owner, _, address, class) = found.ok_or(SymbolError::Unknown)?;
        let var = self.btf_of(owner.as_deref()).and_then(|btf| {
            let id = btf.find(name, |k| k == BtfKind::Var)?;
            match btf.ty(id) {
                BtfType::Var { ty, .. } => Some((owner.clone(), ty)),
                _ => None,
            }
        });
        if *class != SymbolClass::Function && !self.data_symbols {
            return Err(SymbolError::NoDataSymbols);
        }
        Ok(Symbol { address: *address, class: *class, ty: var })
    }

    fn has(&self, feature: Feature) -> bool {
        !self.missing.contains(&feature)
    }

    fn cpus(&self) -> u32 {
        self.cpus
    }

    fn wall_clock_offset(&self) -> i64 {
        1_700_000_000_000_000_000
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> ProbePattern {
        let mut fields = text.split(':').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        ProbePattern { id: None, provider: next(), module: next(), function: next(), name: next() }
    }

    fn found(kernel: &FixtureKernel, text: &str) -> Vec<String> {
        let probes = kernel.probes(&pattern(text)).expect("a pattern");
        probes.iter().map(|p| format!("{} {}", p.id, p.description())).collect()
    }

    #[test]
    fn patterns_match() {
        let kernel = FixtureKernel::new();
        assert_eq!(found(&kernel, "dtrace:::BEGIN"), ["1 dtrace:::BEGIN"]);
        assert_eq!(found(&kernel, ":::E*"), ["2 dtrace:::END", "3 dtrace:::ERROR"]);
        assert_eq!(found(&kernel, "syscall::open*:entry").len(), 2);
        assert_eq!(found(&kernel, "sdt:sched::sched_switch").len(), 1);
        assert_eq!(found(&kernel, "fbt:ext4:ext4_iget:").len(), 2);
        assert_eq!(found(&kernel, "fbt:::nothing"), Vec::<String>::new());
        let near = kernel.near_probes(&pattern("syscall::reed:entry"));
        assert_eq!(near[0], "syscall:vmlinux:read:entry");
    }

    #[test]
    fn timers_are_made_once() {
        let kernel = FixtureKernel::new();
        let first = found(&kernel, ":::tick-5sec");
        assert_eq!(first.len(), 1);
        assert_eq!(first, found(&kernel, "profile:::tick-5sec"));
        assert_eq!(found(&kernel, ":::tick-5parsecs"), Vec::<String>::new());
        let probe = &kernel.probes(&pattern(":::tick-5sec")).expect("a pattern")[0];
        assert_eq!(probe.sites[0].attach, Attach::Tick { period: 5_000_000_000 });
    }

    #[test]
    fn arguments_have_kernel_types() {
        let kernel = FixtureKernel::new();
        let btf = kernel.btf().expect("types");
        let probe = &kernel.probes(&pattern("sdt:::sched_switch")).expect("a pattern")[0];
        let ArgType::Btf { id, module: None } = kernel.args(probe)[2].ty else {
            panic!("{probe:?}")
        };
        let BtfType::Pointer(to) = btf.ty(id) else { panic!("{:?}", btf.ty(id)) };
        assert_eq!(btf.name(to), "task_struct");
    }

    #[test]
    fn symbols_have_types_and_addresses() {
        let kernel = FixtureKernel::new();
        let jiffies = kernel.symbol(None, "jiffies").expect("jiffies");
        let (None, id) = jiffies.ty.expect("a type") else { panic!("in vmlinux") };
        assert_eq!(kernel.btf().expect("types").name(id), "long unsigned int");
        assert_eq!(kernel.symbol(Some("vmlinux"), "vfs_read").expect("vfs_read").ty, None);
        assert_eq!(kernel.symbol(Some("ext4"), "jiffies"), Err(SymbolError::Unknown));
        let hidden = kernel.without_data_symbols();
        assert_eq!(hidden.symbol(None, "jiffies"), Err(SymbolError::NoDataSymbols));
    }
}
