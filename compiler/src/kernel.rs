//! Everything that the compiler may ask of a kernel.
//!
//! In: the caller's implementation of [`Kernel`] (the running kernel, a recorded one in
//! tests, a BTF file for a cross build). Out: types, symbols, features and the probes
//! that match a description. The compiler itself never touches the system.

use crate::btf::{Btf, BtfKind};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strand_grammar::ast::ProbeDescription;
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;
use strand_grammar::stability::{self, Attributes, Stability};

/// A kernel, seen from the compiler.
pub trait Kernel {
    /// The kernel's own types; `None` if it has no BTF.
    fn btf(&self) -> Option<Arc<Btf>>;

    /// The types of a module, on top of [`Kernel::btf`]; `None` if there is none.
    fn module_btf(&self, module: &str) -> Option<Arc<Btf>>;

    /// The types of a module, or the kernel's own.
    fn types_of(&self, module: Option<&str>) -> Option<Arc<Btf>> {
        match module {
            Some(m) => self.module_btf(m),
            None => self.btf(),
        }
    }

    /// Names of the loaded modules that have BTF.
    fn btf_modules(&self) -> Vec<String>;

    /// The probes that match, in the order of their ids. No match is an empty vector;
    /// an error says why the description can't be matched at all.
    fn probes(&self, pattern: &ProbePattern) -> Result<Vec<Probe>, ProbeError>;

    /// The types of a probe's `args[]`, which some kernels find out only when they are asked for.
    fn args(&self, probe: &Probe) -> Vec<ProbeArg> {
        probe.args.clone().unwrap_or_default()
    }

    /// Descriptions near one that matched nothing, best first, for "did you mean".
    fn near_probes(&self, pattern: &ProbePattern) -> Vec<String>;

    /// Why a description matches nothing, if that is known better than by near names.
    fn why_no_probe(&self, _pattern: &ProbePattern) -> Option<ProbeError> {
        None
    }

    /// A kernel symbol; `module` is as in ``module`name``.
    fn symbol(&self, module: Option<&str>, name: &str) -> Result<Symbol, SymbolError>;

    /// Whether it has a feature.
    fn has(&self, feature: Feature) -> bool;

    /// The number of possible CPUs.
    fn cpus(&self) -> u32;

    /// Nanoseconds to add to the monotonic clock to get wall-clock time since 1970.
    fn wall_clock_offset(&self) -> i64;
}

/// A probe description to match; an empty field matches everything, others are globs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProbePattern {
    /// A probe's id instead of the fields.
    pub id: Option<u32>,
    /// Provider field.
    pub provider: String,
    /// Module field.
    pub module: String,
    /// Function field.
    pub function: String,
    /// Name field.
    pub name: String,
}

impl From<&ProbeDescription> for ProbePattern {
    fn from(d: &ProbeDescription) -> ProbePattern {
        ProbePattern {
            id: d.id,
            provider: d.provider.clone(),
            module: d.module.clone(),
            function: d.function.clone(),
            name: d.name.clone(),
        }
    }
}

impl std::fmt::Display for ProbePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.id {
            Some(id) => write!(f, "{id}"),
            None => {
                write!(f, "{}:{}:{}:{}", self.provider, self.module, self.function, self.name)
            }
        }
    }
}

/// Why a description can't be matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeError {
    /// DTrace's tag (`D_PDESC_ZERO`, `D_PROV_PRDUP` …).
    pub code: &'static str,
    /// One sentence without a full stop: what is missing or wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl ProbeError {
    /// That there are no such probes, and why.
    pub fn diagnostic(self, pattern: &ProbePattern, span: Span) -> Diagnostic {
        let mut d = Diagnostic::error(self.code, span, self.message);
        d.hint = self.hint;
        d.classic = (self.code == "D_PDESC_ZERO").then(|| pattern.no_match());
        d
    }
}

impl ProbePattern {
    /// What dtrace(1) says of a description without probes.
    pub fn no_match(&self) -> String {
        match self.id {
            Some(id) => format!("invalid probe identifier {id}: Unknown probe identifier"),
            None => format!("probe description {self} does not match any probes"),
        }
    }
}

/// One probe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probe {
    /// Unique while tracing; BEGIN is 1, END 2, ERROR 3.
    pub id: u32,
    /// Provider.
    pub provider: String,
    /// Module; may be empty.
    pub module: String,
    /// Function; may be empty.
    pub function: String,
    /// Name.
    pub name: String,
    /// Types of `args[]`; `None` if it has none, or [`Kernel::args`] has to find them out.
    pub args: Option<Vec<ProbeArg>>,
    /// Where it attaches; several if several kernel events make up this probe.
    pub sites: Vec<Site>,
    /// How its site attaches instead where a script enables many such probes: in a way that
    /// one program can serve all of them.
    pub among_many: Option<Attach>,
    /// How far a script may rely on it.
    pub stability: ProbeStability,
}

/// How far a script may rely on a probe: on each field of its description, if a script
/// names it, and on its arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeStability {
    /// Provider.
    pub provider: Attributes,
    /// Module.
    pub module: Attributes,
    /// Function.
    pub function: Attributes,
    /// Name.
    pub name: Attributes,
    /// `args[]`.
    pub args: Attributes,
}

impl ProbeStability {
    /// Of a description: the least of the fields that it names. One that leaves the provider
    /// open may match anything.
    pub fn of(&self, pattern: &ProbePattern) -> Attributes {
        let names = |text: &str| !text.is_empty() && !text.contains(['*', '?', '[']);
        if !names(&pattern.provider) {
            return Attributes::of(Stability::Unstable, stability::Class::Common);
        }
        let fields = [
            (&pattern.module, self.module),
            (&pattern.function, self.function),
            (&pattern.name, self.name),
        ];
        let named = fields.into_iter().filter(|(text, _)| names(text));
        named.fold(self.provider, |all, (_, field)| all.least(field))
    }
}

impl Probe {
    /// `provider:module:function:name`
    pub fn description(&self) -> String {
        format!("{}:{}:{}:{}", self.provider, self.module, self.function, self.name)
    }
}

/// One element of `args[]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProbeArg {
    /// `args[i]` is made from `argN` with this N.
    pub native: u8,
    /// The type of that `argN`.
    pub ty: ArgType,
    /// What it is translated to (`bufinfo_t *`), by the translator from `ty`.
    pub translated: Option<String>,
}

/// A type as a provider knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ArgType {
    /// A BTF type id in the kernel or a module.
    Btf {
        /// `None`: vmlinux.
        module: Option<String>,
        /// The id.
        id: u32,
    },
    /// A D type name: `const char *`, `struct bio *`, `int`.
    D {
        /// The type.
        text: String,
        /// It points into user space.
        userland: bool,
    },
}

/// One kernel event that fires a probe.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// How to attach there.
    pub attach: Attach,
    /// `argN` for each N if it isn't simply what the attach type gives: D expressions
    /// over the raw `arg0` … of the event. Empty: as the event has it.
    pub args: Vec<String>,
    /// A D expression over the raw `arg0` … without which the event doesn't fire the probe: a
    /// clause's predicate is evaluated only if this isn't 0.
    pub when: Option<String>,
}

/// What `perf_event_open(2)` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PerfEvent {
    /// The type: `PERF_TYPE_…`, or a number of the kernel's for a unit of its own.
    pub kind: u32,
    /// What the type makes of it.
    pub config: [u64; 3],
    /// While a process runs its own code.
    pub user: bool,
    /// While the kernel runs.
    pub kernel: bool,
}

impl PerfEvent {
    /// The clock of each CPU, in nanoseconds.
    pub const CLOCK: PerfEvent = PerfEvent { kind: 1, config: [0; 3], user: true, kernel: true };
}

/// How a program attaches; it also tells what its context is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Attach {
    /// Run once by the runtime before anything else fires.
    Begin,
    /// Run once by the runtime at the end.
    End,
    /// Called by a clause that faults.
    Error,
    /// Run by the runtime's timer on one CPU.
    Tick {
        /// Nanoseconds.
        period: u64,
    },
    /// A perf event on every CPU.
    Sample {
        /// Which.
        event: PerfEvent,
        /// It fires once for so many of them; of a clock's, nanoseconds.
        period: u64,
    },
    /// BTF-typed raw tracepoint (`tp_btf`): `args` trusted words as context.
    Tracepoint {
        /// The event's name.
        name: String,
        /// Module that defines it, if not the kernel.
        module: Option<String>,
        /// Number of arguments.
        args: u8,
    },
    /// Raw tracepoint without types: words as context.
    RawTracepoint {
        /// The event's name.
        name: String,
        /// Number of arguments if known.
        args: u8,
    },
    /// A system call's entry, dispatched from `sys_enter`.
    SyscallEntry {
        /// Its number.
        number: u32,
        /// Its numbers in 32-bit programs.
        compat: Vec<u32>,
        /// Number of arguments.
        args: u8,
    },
    /// A system call's return, dispatched from `sys_exit`.
    SyscallReturn {
        /// Its number.
        number: u32,
        /// Its numbers in 32-bit programs.
        compat: Vec<u32>,
    },
    /// fentry: `args` words as context, trusted where they are pointers.
    Fentry {
        /// `None`: vmlinux.
        module: Option<String>,
        /// The function.
        function: String,
        /// Number of arguments.
        args: u8,
    },
    /// fexit: the arguments, then the return value.
    Fexit {
        /// `None`: vmlinux.
        module: Option<String>,
        /// The function.
        function: String,
        /// Number of arguments.
        args: u8,
    },
    /// kprobe: `struct pt_regs` as context.
    Kprobe {
        /// `None`: vmlinux.
        module: Option<String>,
        /// The function.
        function: String,
    },
    /// kretprobe: `struct pt_regs` as context.
    Kretprobe {
        /// `None`: vmlinux.
        module: Option<String>,
        /// The function.
        function: String,
    },
    /// An instruction of a user program, a function's first as a rule: the user's
    /// `struct pt_regs` as context.
    Uprobe(UserPlace),
    /// The return of a function of a user program: likewise.
    Uretprobe(UserPlace),
    /// A marker in a user program (USDT): likewise.
    Usdt {
        /// Where it is.
        place: UserPlace,
        /// Where it keeps its arguments.
        args: Vec<MarkerArg>,
    },
}

impl Attach {
    /// Whether a program can be attached to many such events, each with a number that tells
    /// the program which of them it is.
    pub fn takes_cookie(&self) -> bool {
        matches!(self, Attach::Kprobe { .. } | Attach::Kretprobe { .. })
            || self.user_place().is_some()
    }

    /// Module (`None`: the kernel proper) and name of the kernel's function where it attaches.
    pub fn function(&self) -> Option<(Option<&str>, &str)> {
        match self {
            Attach::Fentry { module, function, .. }
            | Attach::Fexit { module, function, .. }
            | Attach::Kprobe { module, function }
            | Attach::Kretprobe { module, function } => Some((module.as_deref(), function)),
            _ => None,
        }
    }

    /// The ELF section by which libbpf knows how to load a program for it.
    pub fn section(&self) -> String {
        let within = |module: &Option<String>, function: &str| match module {
            Some(m) => format!("{m}:{function}"),
            None => function.to_owned(),
        };
        match self {
            Attach::Begin | Attach::End | Attach::Error | Attach::Tick { .. } => {
                "raw_tp".to_owned()
            }
            Attach::Sample { .. } => "perf_event".to_owned(),
            Attach::Tracepoint { name, .. } => format!("tp_btf/{name}"),
            Attach::RawTracepoint { name, .. } => format!("raw_tp/{name}"),
            Attach::SyscallEntry { .. } => "tp_btf/sys_enter".to_owned(),
            Attach::SyscallReturn { .. } => "tp_btf/sys_exit".to_owned(),
            Attach::Fentry { module, function, .. } => {
                format!("fentry/{}", within(module, function))
            }
            Attach::Fexit { module, function, .. } => format!("fexit/{}", within(module, function)),
            Attach::Kprobe { .. } => "kprobe".to_owned(),
            Attach::Kretprobe { .. } => "kretprobe".to_owned(),
            // The runtime says of each place where it is.
            Attach::Uprobe(_) | Attach::Usdt { .. } => "uprobe".to_owned(),
            Attach::Uretprobe(_) => "uretprobe".to_owned(),
        }
    }

    /// Of events with types: the module (`None`: the kernel proper), name and kind of what
    /// describes it in BTF.
    pub fn described(&self) -> Option<(Option<&str>, String, BtfKind)> {
        let tracepoint = |name: &str| (format!("btf_trace_{name}"), BtfKind::Typedef);
        let (module, (name, kind)) = match self {
            Attach::Tracepoint { name, module, .. } => (module.as_deref(), tracepoint(name)),
            Attach::SyscallEntry { .. } => (None, tracepoint("sys_enter")),
            Attach::SyscallReturn { .. } => (None, tracepoint("sys_exit")),
            Attach::Fentry { module, function, .. } | Attach::Fexit { module, function, .. } => {
                (module.as_deref(), (function.clone(), BtfKind::Function))
            }
            _ => return None,
        };
        Some((module, name, kind))
    }

    /// The place in a user program, if it is there that it attaches.
    pub fn user_place(&self) -> Option<&UserPlace> {
        match self {
            Attach::Uprobe(place) | Attach::Uretprobe(place) | Attach::Usdt { place, .. } => {
                Some(place)
            }
            _ => None,
        }
    }
}

/// A place in a program or library.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserPlace {
    /// The file, as the tracer can open it.
    pub path: String,
    /// Of the instruction in the file.
    pub offset: u64,
    /// Only in this process; `None`: in all that run the file, now or later.
    pub pid: Option<u32>,
    /// Where in the file a counter is that must not be 0 for the marker to be reached; 0 if
    /// there is none.
    pub semaphore: u64,
}

/// Where a marker keeps an argument when it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MarkerArg {
    /// Bytes: 1, 2, 4 or 8.
    pub size: u8,
    /// Signedness.
    pub signed: bool,
    /// Where.
    pub at: MarkerPlace,
}

/// Registers are byte offsets in the user's `struct pt_regs`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MarkerPlace {
    /// It is this number.
    Constant(i64),
    /// In a register, at this offset of the registers.
    Register(u16),
    /// In memory, at the sum of all of these.
    Memory {
        /// A register.
        base: Option<u16>,
        /// A register, and by how many bits it is shifted to the left.
        index: Option<(u16, u8)>,
        /// A number.
        displacement: i64,
    },
    /// Where a BPF program can't look: what the marker's description says.
    Elsewhere(String),
}

/// A kernel symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its address.
    pub address: u64,
    /// What it names.
    pub class: SymbolClass,
    /// Its type: module and BTF type id, if the BTF has the variable.
    pub ty: Option<(Option<String>, u32)>,
}

/// What a kernel symbol names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolClass {
    /// Code.
    Function,
    /// Data.
    Variable,
    /// Data of which each CPU has its own: the address lacks that CPU's offset.
    PerCpu,
}

/// Why a symbol can't be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SymbolError {
    /// There is none of that name.
    Unknown,
    /// It would be in a module that isn't loaded.
    NotLoaded,
    /// This kernel doesn't publish addresses of data symbols (no CONFIG_KALLSYMS_ALL).
    NoDataSymbols,
    /// Symbols are hidden from this user.
    Hidden,
}

/// A feature that not all supported kernels (or users) have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// The bpf_loop helper (5.17).
    Loop,
    /// The bpf_strncmp helper (5.17).
    Strncmp,
    /// Task storage in tracing programs (5.11).
    TaskStorage,
    /// BTF-typed raw tracepoints.
    BtfTracepoint,
    /// fentry and fexit.
    Fentry,
    /// kprobes.
    Kprobe,
    /// Hash maps without preallocation are safe in all contexts (6.1).
    HashNoPrealloc,
    /// An event within a tracepoint's program doesn't run that program again (6.2).
    TracepointsNeverNest,
}

/// Matches D's globs: `*`, `?`, `[a-z]`, `[!…]`, `\` quotes; an empty pattern matches all.
pub fn glob_match(pattern: &str, text: &str) -> bool {
    fn go(p: &[u8], t: &[u8]) -> bool {
        let Some((&first, rest)) = p.split_first() else { return t.is_empty() };
        match first {
            b'*' => {
                let rest = &rest[rest.iter().take_while(|c| **c == b'*').count()..];
                (0..=t.len()).any(|i| go(rest, &t[i..]))
            }
            b'?' => !t.is_empty() && go(rest, &t[1..]),
            b'[' => match (class(rest), t.split_first()) {
                (Some((set, after)), Some((&c, t))) => set.contains(c) && go(after, t),
                (None, Some((&b'[', t))) => go(rest, t),
                _ => false,
            },
            b'\\' if !rest.is_empty() => t.first() == Some(&rest[0]) && go(&rest[1..], &t[1..]),
            c => t.first() == Some(&c) && go(rest, &t[1..]),
        }
    }
    pattern.is_empty() || go(pattern.as_bytes(), text.as_bytes())
}

/// A bracket expression of a glob.
struct Class<'a> {
    negated: bool,
    items: &'a [u8],
}

impl Class<'_> {
    fn contains(&self, c: u8) -> bool {
        let mut found = false;
        let mut i = 0;
        while i < self.items.len() {
            if i + 2 < self.items.len() && self.items[i + 1] == b'-' {
                found |= self.items[i] <= c && c <= self.items[i + 2];
                i += 3;
            } else {
                found |= self.items[i] == c;
                i += 1;
            }
        }
        found != self.negated
    }
}

/// Splits what follows a `[` into its class and the rest of the pattern; `None` if unclosed.
fn class(p: &[u8]) -> Option<(Class<'_>, &[u8])> {
    let negated = p.first() == Some(&b'!');
    let items = if negated { &p[1..] } else { p };
    let end = 1 + items.get(1..)?.iter().position(|c| *c == b']')?;
    Some((Class { negated, items: &items[..end] }, &items[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::glob_match;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("", "anything", true),
            ("read", "read", true),
            ("read", "reads", false),
            ("r*d", "read", true),
            ("*", "", true),
            ("?ead", "read", true),
            ("[a-s]ead", "read", true),
            ("[!a-s]ead", "read", false),
            ("[!r", "[!r", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("ext4_*_write_end", "ext4_da_write_end", true),
        ] {
            assert_eq!(glob_match(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
