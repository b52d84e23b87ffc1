//! `fbt`: entry and return of the kernel's functions.
//!
//! In: functions in the BTF of the kernel and its modules; tracefs, where it says which of
//! them can be traced. Out: `fbt:MODULE:FUNCTION:{entry,return}` with typed arguments.
//! Decides, by what the kernel takes, whether a function is traced by fentry or by a kprobe.

use super::stability::Promise;
use super::{Provider, probe, unavailable};
use crate::kernel::LiveKernel;
use crate::probe::{ModuleIds, ProbeName, is_exact};
use crate::untraceable;
use rustc_hash::FxHashSet;
use strand_compiler::btf::{Btf, BtfKind, BtfType};
use strand_compiler::kernel::{
    ArgType, Attach, Feature, Kernel, Probe, ProbeArg, ProbeError, ProbePattern, Site, glob_match,
};

/// The provider.
pub struct Fbt;

/// Arguments that fentry programs have on all kernels.
const REGISTER_ARGS: usize = 6;

/// Arguments that a typed program can have at all.
const MAX_ARGS: usize = 12;

impl Provider for Fbt {
    fn name(&self) -> &'static str {
        "fbt"
    }

    fn promise(&self) -> Promise {
        Promise::KERNEL
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        if pattern.id.is_none() && ["entry", "return"].iter().all(|n| !glob_match(&pattern.name, n))
        {
            return Ok(Vec::new());
        }
        if kernel.btf().is_none() {
            return Err(unavailable(
                "functions can't be traced without their types, and this kernel has no BTF",
                Some("it was built without CONFIG_DEBUG_INFO_BTF"),
            ));
        }
        if !kernel.has(Feature::Fentry) && !kernel.has(Feature::Kprobe) {
            return Err(unavailable(
                "functions can't be traced on this kernel: it takes neither fentry programs \
                 nor kprobes",
                Some("`strand list 'sdt:::'` shows the tracepoints that it has"),
            ));
        }
        let module = &pattern.module;
        if is_exact(module) && module != "vmlinux" && kernel.module_btf(module).is_none() {
            return Err(unavailable(
                format!("the module {module} isn't loaded, or has no BTF"),
                Some("what is built into the kernel is in the module vmlinux"),
            ));
        }
        let ids = ModuleIds::of(kernel);
        let mut names = Vec::new();
        if glob_match(&pattern.module, "vmlinux") {
            names_of(kernel, None, pattern, &ids, &mut names);
        }
        for module in kernel.btf_modules() {
            if glob_match(&pattern.module, &module) {
                names_of(kernel, Some(&module), pattern, &ids, &mut names);
            }
        }
        Ok(names)
    }

    fn why_none(&self, kernel: &LiveKernel, pattern: &ProbePattern) -> Option<ProbeError> {
        untraceable::why_none(kernel, pattern)
    }

    fn describe(&self, kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        let owner = Some(name.module.as_str()).filter(|m| *m != "vmlinux").map(str::to_owned);
        let gone = || unavailable(format!("{} has gone meanwhile", name.description()), None);
        let btf = kernel.types_of(owner.as_deref()).ok_or_else(gone)?;
        let BtfType::Function { proto, .. } = btf.ty(name.key as u32) else { return Err(gone()) };
        let BtfType::FunctionProto { ret } = btf.ty(proto) else { return Err(gone()) };
        let params = btf.params(proto);
        let typed = |native: usize, id: u32| ProbeArg {
            native: native as u8,
            ty: ArgType::Btf { module: owner.clone(), id },
            translated: None,
        };
        let function = name.function.clone();
        let how = how(kernel, &btf, proto).ok_or_else(gone)?;
        let count = params.len() as u8;
        let module = owner.clone();
        let kprobes = kernel.has(Feature::Kprobe);
        if name.name == "entry" {
            let among_many = kprobes
                .then(|| Attach::Kprobe { module: module.clone(), function: function.clone() });
            let args = params.iter().enumerate().map(|(i, (_, id))| typed(i, *id)).collect();
            let attach = match how {
                How::Fentry => Attach::Fentry { module, function, args: count },
                How::Kprobe => Attach::Kprobe { module, function },
            };
            let sites = vec![Site { attach, args: Vec::new(), when: None }];
            return Ok(Probe { args: Some(args), sites, among_many, ..probe(name) });
        }
        let among_many = kprobes
            .then(|| Attach::Kretprobe { module: module.clone(), function: function.clone() });
        // The first argument is where in the function it returns, which nothing tells.
        let offset = ProbeArg {
            native: 0,
            ty: ArgType::D { text: "int".to_owned(), userland: false },
            translated: None,
        };
        let void = matches!(btf.ty(btf.resolve(ret)), BtfType::Void);
        let args = if void { vec![offset] } else { vec![offset, typed(1, ret)] };
        let attach = match how {
            How::Fentry => Attach::Fexit { module, function, args: count },
            How::Kprobe => Attach::Kretprobe { module, function },
        };
        let value = if void { "0" } else { "arg1" };
        let sites =
            vec![Site { attach, args: vec!["-1".to_owned(), value.to_owned()], when: None }];
        Ok(Probe { args: Some(args), sites, among_many, ..probe(name) })
    }
}

/// The two ways to trace a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Fentry,
    Kprobe,
}

/// How a function of this prototype is traced; `None` if it can't be.
fn how(kernel: &LiveKernel, btf: &Btf, proto: u32) -> Option<How> {
    let params = btf.params(proto);
    let by_value = |ty: u32| matches!(btf.ty(btf.resolve(ty)), BtfType::Record { .. });
    let variadic = params.last().is_some_and(|(_, ty)| *ty == 0);
    let plain = !variadic && !params.iter().any(|(_, ty)| by_value(*ty));
    let fits = params.len() <= REGISTER_ARGS
        || (params.len() <= MAX_ARGS && kernel.fentry_takes_many_arguments());
    if plain && fits && kernel.has(Feature::Fentry) {
        return Some(How::Fentry);
    }
    kernel.has(Feature::Kprobe).then_some(How::Kprobe)
}

fn names_of(
    kernel: &LiveKernel,
    module: Option<&str>,
    pattern: &ProbePattern,
    ids: &ModuleIds,
    names: &mut Vec<ProbeName>,
) {
    let Some(btf) = kernel.types_of(module) else { return };
    let mut add = |id: u32, function: &str| {
        let BtfType::Function { proto, .. } = btf.ty(id) else { return };
        if how(kernel, &btf, proto).is_none() {
            return;
        }
        for (second, name) in [(false, "entry"), (true, "return")] {
            if pattern.id.is_some() || glob_match(&pattern.name, name) {
                names.push(ProbeName {
                    id: ids.id(module, id, second),
                    provider: "fbt",
                    module: module.unwrap_or("vmlinux").to_owned(),
                    function: function.to_owned(),
                    name: name.to_owned(),
                    key: id.into(),
                });
            }
        }
    };
    if is_exact(&pattern.function) {
        // Whether it can be traced shows when it is attached: the kernel's list of such
        // functions takes longer to read than all else that a script does.
        if kernel.is_thorough()
            && kernel.traceable().is_some_and(|t| !t.contains(&*pattern.function))
        {
            return;
        }
        let own = btf.find(&pattern.function, |k| k == BtfKind::Function);
        if let Some(id) = own.filter(|id| *id >= btf.first()) {
            add(id, &pattern.function);
        }
        return;
    }
    let traceable = kernel.traceable();
    // Static functions of one name are one symbol to the kernel, and it takes the first.
    let mut seen = FxHashSet::default();
    for (id, function) in btf.own(|k| k == BtfKind::Function) {
        let wanted = glob_match(&pattern.function, function)
            && traceable.is_none_or(|t| t.contains(function));
        if wanted && seen.insert(function) {
            add(id, function);
        }
    }
}
