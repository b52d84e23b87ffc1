//! `rawfbt`: entry and return of all that the kernel's symbols name as a function.
//!
//! In: the kernel's symbols; tracefs, where it says which of them can be traced. Out:
//! `rawfbt:MODULE:FUNCTION:{entry,return}`, with what compilers have made of functions
//! (`f.isra.0`) too, and without types, so that no BTF is needed. Decides that a description
//! that is about `fbt` too is about a function once: here only if `fbt` doesn't have it.

use super::stability::Promise;
use super::{Provider, probe, unavailable};
use crate::kernel::LiveKernel;
use crate::probe::{ProbeName, is_exact, raw_id};
use crate::symbols::Function;
use crate::untraceable;
use rustc_hash::FxHashSet;
use strand_compiler::btf::BtfKind;
use strand_compiler::kernel::{
    Attach, Feature, Kernel, Probe, ProbeError, ProbePattern, Site, glob_match,
};

/// The provider.
pub struct Rawfbt;

const NAME: &str = "rawfbt";

impl Provider for Rawfbt {
    fn name(&self) -> &'static str {
        NAME
    }

    fn promise(&self) -> Promise {
        Promise::KERNEL
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        let wanted = |second: bool| {
            let name = if second { "return" } else { "entry" };
            (pattern.id.is_some() || glob_match(&pattern.name, name)).then_some((second, name))
        };
        let names_of_one: Vec<_> = [false, true].into_iter().filter_map(wanted).collect();
        if names_of_one.is_empty() || pattern.id.is_some_and(|id| !crate::probe::is_raw(id)) {
            return Ok(Vec::new());
        }
        if !kernel.has(Feature::Kprobe) {
            return Err(unavailable(
                "functions can't be traced by their symbols on this kernel: it has no kprobes",
                Some("`strand list 'sdt:::'` shows the tracepoints that it has"),
            ));
        }
        let Some(symbols) = kernel.symbols() else {
            return Err(unavailable("this kernel doesn't show its symbols (/proc/kallsyms)", None));
        };
        let module = &pattern.module;
        if is_exact(module) && !symbols.has_module(module) {
            return Err(unavailable(
                format!("the module {module} isn't loaded"),
                Some("what is built into the kernel is in the module vmlinux"),
            ));
        }
        let once = pattern.id.is_none() && glob_match(&pattern.provider, "fbt");
        let mut names = Vec::new();
        for f in functions(kernel, pattern) {
            if once && is_in_fbt(kernel, f.module, f.name) {
                continue;
            }
            names.extend(names_of_one.iter().map(|(second, name)| ProbeName {
                id: raw_id(f.offset, *second),
                provider: NAME,
                module: f.module.unwrap_or("vmlinux").to_owned(),
                function: f.name.to_owned(),
                name: (*name).to_owned(),
                key: f.offset as u64,
            }));
        }
        Ok(names)
    }

    fn why_none(&self, kernel: &LiveKernel, pattern: &ProbePattern) -> Option<ProbeError> {
        untraceable::why_none(kernel, pattern)
    }

    fn describe(&self, _: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        let module = Some(name.module.clone()).filter(|m| m != "vmlinux");
        let function = name.function.clone();
        let (attach, args) = match name.name.as_str() {
            "entry" => (Attach::Kprobe { module, function }, Vec::new()),
            // Where in the function it returns, nothing tells.
            _ => (Attach::Kretprobe { module, function }, vec!["-1".to_owned(), "arg1".to_owned()]),
        };
        let among_many = Some(attach.clone());
        Ok(Probe { sites: vec![Site { attach, args, when: None }], among_many, ..probe(name) })
    }
}

/// The functions that a pattern names. Those of one name are one probe: the first that can be
/// traced.
fn functions<'a>(kernel: &'a LiveKernel, pattern: &'a ProbePattern) -> Vec<Function<'a>> {
    let Some(symbols) = kernel.symbols() else { return Vec::new() };
    let in_module = |f: &Function<'_>| glob_match(&pattern.module, f.module.unwrap_or("vmlinux"));
    let mut seen = FxHashSet::default();
    let mut first =
        |f: &Function<'_>| seen.insert((f.module.map(str::to_owned), f.name.to_owned()));
    if is_exact(&pattern.function) {
        // As with `fbt`, whether it can be traced shows when it is.
        let list = if kernel.is_thorough() { kernel.traceable() } else { None };
        let named = symbols.functions_named(&pattern.function).filter(in_module);
        return named
            .filter(|f| list.is_none_or(|t| t.contains(f.name)))
            .filter(|f| first(f))
            .collect();
    }
    let traceable = kernel.traceable();
    symbols
        .functions()
        .filter(in_module)
        .filter(|f| glob_match(&pattern.function, f.name))
        .filter(|f| traceable.is_none_or(|t| t.contains(f.name)))
        .filter(|f| first(f))
        .collect()
}

/// Whether `fbt` traces it too.
fn is_in_fbt(kernel: &LiveKernel, module: Option<&str>, function: &str) -> bool {
    let types = kernel.types_of(module);
    types.is_some_and(|btf| btf.find(function, |k| k == BtfKind::Function).is_some())
}
