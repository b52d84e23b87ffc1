//! What `io`, `proc`, `sched` and their like share: probes made of other events.
//!
//! In: a table that says, for each probe, its arguments and the events behind it. Out:
//! names, and sites with the D expressions that make one of the other. A probe exists if
//! the kernel has one of the alternatives that the table gives for it; where it doesn't
//! because functions can't be traced, asking for the probe says so.

use super::event::{attach, params};
use super::stability::Promise;
use super::{Provider, probe, syscall, unavailable};
use crate::kernel::LiveKernel;
use crate::probe::ProbeName;
use strand_compiler::btf::{BtfKind, BtfType};
use strand_compiler::kernel::{
    ArgType, Attach, Feature, Kernel, Probe, ProbeArg, ProbeError, ProbePattern, Site, glob_match,
};

/// A provider of such probes.
pub struct Derived {
    /// Its name.
    pub name: &'static str,
    /// Id of its first probe; the others follow in the order of the table.
    pub first: u32,
    /// How far scripts may rely on it.
    pub promise: Promise,
    /// Its probes.
    pub probes: &'static [Entry],
}

/// A probe.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub args: &'static [Arg],
    /// All events of the first of these whose first event the kernel has fire it.
    pub alternatives: &'static [&'static [Source]],
}

/// An argument: `args[i]`.
pub struct Arg {
    /// The `argN` that it is made of.
    native: u8,
    ty: &'static str,
    translated: Option<&'static str>,
    userland: bool,
}

/// Of this type as it is.
pub const fn plain(native: u8, ty: &'static str) -> Arg {
    Arg { native, ty, translated: None, userland: false }
}

/// Text of the process.
pub const fn text(native: u8) -> Arg {
    Arg { native, ty: "string", translated: None, userland: true }
}

/// Translated from a type to another.
pub const fn translated(native: u8, ty: &'static str, to: &'static str) -> Arg {
    Arg { native, ty, translated: Some(to), userland: false }
}

/// A thread and its process.
pub const THREAD: [Arg; 2] = [
    translated(0, "struct task_struct *", "lwpsinfo_t *"),
    translated(0, "struct task_struct *", "psinfo_t *"),
];

/// By how much something grows.
pub const COUNT: &[Arg] = &[plain(0, "uint64_t")];

/// An event that fires a probe.
pub struct Source {
    event: Event,
    /// Number of the event's parameters, where it differs between kernels.
    params: Option<usize>,
    /// `arg0` …, if they aren't the event's own; D expressions over those.
    args: &'static [&'static str],
    /// What has to hold, likewise.
    when: Option<&'static str>,
}

enum Event {
    Tracepoint(&'static str),
    Call(&'static str),
    CallReturn(&'static str),
    Function(&'static str),
    FunctionReturn(&'static str),
    Symbol(&'static str),
}

impl Source {
    const fn of(event: Event) -> Source {
        Source { event, params: None, args: &[], when: None }
    }

    /// A tracepoint.
    pub const fn tracepoint(name: &'static str) -> Source {
        Source::of(Event::Tracepoint(name))
    }

    /// The entry of a system call.
    pub const fn call(name: &'static str) -> Source {
        Source::of(Event::Call(name))
    }

    /// The return of a system call; `arg0` is its value.
    pub const fn call_return(name: &'static str) -> Source {
        Source::of(Event::CallReturn(name))
    }

    /// The entry of a kernel function.
    pub const fn function(name: &'static str) -> Source {
        Source::of(Event::Function(name))
    }

    /// The return of a kernel function; `arg1` is its value, `arg2` … its arguments.
    pub const fn function_return(name: &'static str) -> Source {
        Source::of(Event::FunctionReturn(name))
    }

    /// The entry of a function that compilers take apart: its symbol may have a suffix, and
    /// its arguments aren't where they were.
    pub const fn symbol(name: &'static str) -> Source {
        Source::of(Event::Symbol(name))
    }

    /// Only if the event has so many parameters.
    pub const fn with_params(self, params: usize) -> Source {
        Source { params: Some(params), ..self }
    }

    /// Whose arguments are made like this.
    pub const fn args(self, args: &'static [&'static str]) -> Source {
        Source { args, ..self }
    }

    /// Which fires the probe only if this holds.
    pub const fn when(self, when: &'static str) -> Source {
        Source { when: Some(when), ..self }
    }

    /// The tracepoint behind it, if it is one.
    fn tracepoint_behind(&self) -> Option<&'static str> {
        match self.event {
            Event::Tracepoint(name) => Some(name),
            _ => None,
        }
    }

    /// The function behind it, if it is one.
    fn behind(&self) -> Option<&'static str> {
        match self.event {
            Event::Function(name) | Event::FunctionReturn(name) | Event::Symbol(name) => Some(name),
            _ => None,
        }
    }

    /// How it attaches, if the kernel has it.
    fn attach(&self, kernel: &LiveKernel) -> Option<Attach> {
        match self.event {
            Event::Tracepoint(name) => {
                let (module, ty) = kernel.tracepoint(name)?;
                let count = params(&*kernel.types_of(module.as_deref())?, ty).len();
                let fits = self.params.is_none_or(|n| n == count);
                fits.then(|| attach(kernel, name.to_owned(), module, count as u8))
            }
            Event::Call(name) => syscall::entry(kernel, name),
            Event::CallReturn(name) => syscall::result(kernel, name),
            Event::Function(name) => {
                let args = function(kernel, name)?;
                let function = name.to_owned();
                Some(match kernel.has(Feature::Fentry) {
                    true => Attach::Fentry { module: None, function, args },
                    false => Attach::Kprobe { module: None, function },
                })
            }
            // A kretprobe no longer has the arguments.
            Event::FunctionReturn(name) => {
                let args = function(kernel, name)?;
                let function = name.to_owned();
                let attach = Attach::Fexit { module: None, function, args };
                kernel.has(Feature::Fentry).then_some(attach)
            }
            Event::Symbol(name) => {
                let function = symbol(kernel, name)?;
                Some(Attach::Kprobe { module: None, function })
            }
        }
    }

    fn site(&self, kernel: &LiveKernel) -> Option<Site> {
        Some(Site {
            attach: self.attach(kernel)?,
            args: self.args.iter().map(|a| (*a).to_owned()).collect(),
            when: self.when.map(str::to_owned),
        })
    }
}

/// The symbol of a function, with whatever suffix the compiler has given it.
fn symbol(kernel: &LiveKernel, name: &str) -> Option<String> {
    if !kernel.has(Feature::Kprobe) {
        return None;
    }
    let is_it = |symbol: &str| {
        symbol.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut functions = kernel.symbols()?.functions_like(name);
    functions.find(|f| f.module.is_none() && is_it(f.name)).map(|f| f.name.to_owned())
}

/// The number of a kernel function's parameters, if functions can be traced.
fn function(kernel: &LiveKernel, name: &str) -> Option<u8> {
    if !kernel.has(Feature::Fentry) && !kernel.has(Feature::Kprobe) {
        return None;
    }
    let btf = kernel.btf()?;
    let id = btf.find(name, |k| k == BtfKind::Function)?;
    let BtfType::Function { proto, .. } = btf.ty(id) else { return None };
    Some(btf.params(proto).len() as u8)
}

impl Entry {
    /// The first alternative whose first event the kernel has.
    fn sources(&self, kernel: &LiveKernel) -> Option<&'static [Source]> {
        let exists = |sources: &&[Source]| {
            sources.first().is_some_and(|first| first.attach(kernel).is_some())
        };
        self.alternatives.iter().copied().find(exists)
    }

    /// Why the kernel has no such probe.
    fn missing(&self, provider: &str) -> ProbeError {
        let what = format!("`{provider}:::{}`", self.name);
        let mut sources = self.alternatives.iter().copied().flatten();
        if let Some(f) = sources.clone().find_map(Source::behind) {
            return unavailable(
                format!("{what} needs the kernel's function {f}, which can't be traced here"),
                Some("it exists on kernels that take fentry programs or kprobes"),
            );
        }
        match sources.find_map(Source::tracepoint_behind) {
            Some(t) => unavailable(
                format!("{what} needs the tracepoint {t}, which this kernel doesn't have"),
                Some("it may come with a module that isn't loaded"),
            ),
            None => unavailable(format!("this kernel has no event that could fire {what}"), None),
        }
    }
}

impl Provider for Derived {
    fn name(&self) -> &'static str {
        self.name
    }

    fn promise(&self) -> Promise {
        self.promise
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        let (mut names, mut missing) = (Vec::new(), None);
        for (i, entry) in self.probes.iter().enumerate() {
            let id = self.first + i as u32;
            let wanted = match pattern.id {
                Some(wanted) => id == wanted,
                None => {
                    glob_match(&pattern.name, entry.name)
                        && glob_match(&pattern.module, "vmlinux")
                        && glob_match(&pattern.function, "")
                }
            };
            if !wanted {
                continue;
            }
            if entry.sources(kernel).is_none() {
                missing.get_or_insert_with(|| entry.missing(self.name));
                continue;
            }
            names.push(ProbeName {
                id,
                provider: self.name,
                module: "vmlinux".to_owned(),
                function: String::new(),
                name: entry.name.to_owned(),
                key: i as u64,
            });
        }
        match missing {
            Some(error) if names.is_empty() => Err(error),
            _ => Ok(names),
        }
    }

    fn describe(&self, kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        let entry = &self.probes[name.key as usize];
        let arg = |arg: &Arg| ProbeArg {
            native: arg.native,
            ty: ArgType::D { text: arg.ty.to_owned(), userland: arg.userland },
            translated: arg.translated.map(str::to_owned),
        };
        let args = entry.args.iter().map(arg).collect();
        let sources = entry.sources(kernel).unwrap_or_default();
        let sites = sources.iter().filter_map(|source| source.site(kernel)).collect();
        Ok(Probe { args: Some(args), sites, ..probe(name) })
    }
}
