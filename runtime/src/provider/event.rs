//! What `sdt` and `rawtp` share: the kernel's tracepoints, by group and name.
//!
//! In: tracefs for groups, BTF for prototypes. Out: names and typed probes. A tracepoint
//! that no event shows has its owner for a group (`vmlinux` or a module); so have all where
//! tracefs can't be looked at, and there any group that a script names is taken as right.

use super::probe;
use crate::kernel::LiveKernel;
use crate::probe::{ModuleIds, ProbeName, is_exact, untyped_id};
use strand_compiler::btf::{Btf, BtfType};
use strand_compiler::kernel::{
    ArgType, Attach, Feature, Kernel, Probe, ProbeArg, ProbePattern, Site, glob_match,
};

/// Groups of events that aren't tracepoints, or that another provider shows.
const OTHERS: [&str; 5] = ["syscalls", "kprobes", "uprobes", "ftrace", "synthetic"];

/// Which of the two providers is asking: it decides ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Events {
    pub provider: &'static str,
    pub second: bool,
}

/// Whether a name can't be a tracepoint's, which is an identifier of C. Then the kernel isn't
/// asked for its types, which takes longer than all else that a script of ticks needs; so it isn't
/// for the names of `dtrace`'s own probes, which mean no others.
fn is_no_event(name: &str) -> bool {
    is_exact(name)
        && (matches!(name, "BEGIN" | "END" | "ERROR")
            || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
}

impl Events {
    pub(super) fn names(self, kernel: &LiveKernel, pattern: &ProbePattern) -> Vec<ProbeName> {
        let event = &pattern.name;
        if !glob_match(&pattern.function, "") || is_no_event(event) {
            return Vec::new();
        }
        let ids = ModuleIds::of(kernel);
        let Ok(tracefs) = kernel.tracefs() else {
            return self.without_groups(kernel, pattern, &ids);
        };
        if is_exact(event) && is_exact(&pattern.module) {
            let group = &pattern.module;
            return match tracefs.has_event(group, event) {
                true if OTHERS.contains(&group.as_str()) => Vec::new(),
                true => vec![self.named(kernel, group, event, &ids)],
                false => self.bare(kernel, pattern, &ids, |_| false),
            };
        }
        let Ok(mut events) = tracefs.events() else { return Vec::new() };
        events.retain(|(group, _)| !OTHERS.contains(&group.as_str()));
        let shown: rustc_hash::FxHashSet<&str> =
            events.iter().map(|(_, event)| event.as_str()).collect();
        let mut names = self.bare(kernel, pattern, &ids, |event| shown.contains(event));
        names.extend(
            events
                .iter()
                .filter(|(group, event)| {
                    glob_match(&pattern.name, event) && glob_match(&pattern.module, group)
                })
                .map(|(group, event)| self.named(kernel, group, event, &ids)),
        );
        names
    }

    fn name(self, id: u32, group: &str, event: &str) -> ProbeName {
        ProbeName {
            id,
            provider: self.provider,
            module: group.to_owned(),
            function: String::new(),
            name: event.to_owned(),
            key: 0,
        }
    }

    fn named(self, kernel: &LiveKernel, group: &str, event: &str, ids: &ModuleIds) -> ProbeName {
        let id = match kernel.tracepoint(event) {
            Some((module, ty)) => ids.id(module.as_deref(), ty, self.second),
            None => {
                let number = kernel.tracefs().ok().and_then(|t| t.id(group, event));
                untyped_id(number.unwrap_or(0), self.second)
            }
        };
        self.name(id, group, event)
    }

    /// Tracepoints that no event shows.
    fn bare(
        self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
        ids: &ModuleIds,
        shown: impl Fn(&str) -> bool,
    ) -> Vec<ProbeName> {
        let wanted = |owner: &str, event: &str| {
            glob_match(&pattern.module, owner) && glob_match(&pattern.name, event) && !shown(event)
        };
        let own = kernel.tracepoints().into_iter().flatten();
        let mut names: Vec<ProbeName> = own
            .filter(|(event, _)| wanted("vmlinux", event))
            .map(|(event, ty)| self.name(ids.id(None, *ty, self.second), "vmlinux", event))
            .collect();
        if pattern.module != "vmlinux" && (names.is_empty() || !is_exact(&pattern.name)) {
            let modules = kernel.module_tracepoints().iter();
            names.extend(modules.filter(|(event, (owner, _))| wanted(owner, event)).map(
                |(event, (owner, ty))| {
                    self.name(ids.id(Some(owner), *ty, self.second), owner, event)
                },
            ));
        }
        names
    }

    /// All tracepoints by their prototypes, when groups aren't known.
    fn without_groups(
        self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
        ids: &ModuleIds,
    ) -> Vec<ProbeName> {
        if is_exact(&pattern.module) && pattern.module != "vmlinux" {
            let any = ProbePattern { module: String::new(), ..pattern.clone() };
            let mut names = self.bare(kernel, &any, ids, |_| false);
            for name in &mut names {
                name.module.clone_from(&pattern.module);
            }
            return names;
        }
        self.bare(kernel, pattern, ids, |_| false)
    }

    pub(super) fn describe(self, kernel: &LiveKernel, name: &ProbeName) -> Probe {
        let event = name.name.clone();
        let Some((module, ty)) = kernel.tracepoint(&event) else {
            let attach = Attach::RawTracepoint { name: event, args: 10 };
            let sites = vec![Site { attach, args: Vec::new(), when: None }];
            return Probe { sites, ..probe(name) };
        };
        let params =
            kernel.types_of(module.as_deref()).map(|btf| params(&btf, ty)).unwrap_or_default();
        let args = params
            .iter()
            .enumerate()
            .map(|(i, id)| ProbeArg {
                native: i as u8,
                ty: ArgType::Btf { module: module.clone(), id: *id },
                translated: None,
            })
            .collect();
        let attach = attach(kernel, event, module, params.len() as u8);
        Probe {
            args: Some(args),
            sites: vec![Site { attach, args: Vec::new(), when: None }],
            ..probe(name)
        }
    }
}

/// How a tracepoint with a prototype attaches.
pub(super) fn attach(
    kernel: &LiveKernel,
    name: String,
    module: Option<String>,
    args: u8,
) -> Attach {
    if kernel.has(Feature::BtfTracepoint) {
        Attach::Tracepoint { name, module, args }
    } else {
        Attach::RawTracepoint { name, args }
    }
}

/// Types of a tracepoint's arguments. The first parameter of the prototype is the
/// tracepoint's own.
pub(super) fn params(btf: &Btf, typedef: u32) -> Vec<u32> {
    let BtfType::Pointer(proto) = btf.ty(btf.resolve(typedef)) else { return Vec::new() };
    btf.params(btf.resolve(proto)).iter().skip(1).map(|(_, ty)| *ty).collect()
}
