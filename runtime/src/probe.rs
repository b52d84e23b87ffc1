//! Which probes match a description: the registry of providers.
//!
//! In: a [`ProbePattern`]. Out: probes in the order of their ids. Ids are computed from what
//! a probe is, not counted, so that a probe has the same id in a listing and in a script
//! that names it alone, and so that naming one never means to look at all:
//!
//! | ids                | probes                                                       |
//! |--------------------|--------------------------------------------------------------|
//! | 1 .. 3             | `dtrace`                                                     |
//! | 4 .. 99            | `profile`: the listed ones, then others in order of use      |
//! | 100 .. 599         | `io`, `proc`, `sched` …: what is made of other events        |
//! | 600 .. 999         | `cpc`: the listed ones, from 900 others in order of use      |
//! | 1,000 .. 9,999     | `syscall`: twice the number, one more for the return         |
//! | 10,000 ..          | `sdt`, `rawtp`, `fbt`: twice the BTF type's id, one more for the second |
//! | 100,000,000 ..     | the same where there is no BTF, by the event's number        |
//! | 120,000,000 ..     | `rawfbt`: twice the place in the kernel's table of symbols    |
//! | 200,000,000 ..     | `pid`, `uprobe`, markers: in the order in which they are found |
//!
//! A module's BTF ids begin where the kernel's end, so modules are moved apart. Of all that
//! is in user programs no list can be made, so their ids are those of one run.

use crate::kernel::LiveKernel;
use crate::provider::{PROVIDERS, Provider};
use strand_compiler::kernel::{Kernel, Probe, ProbeError, ProbePattern, glob_match};

/// First id of probes that are known by a BTF type.
const TYPED: u32 = 10_000;

/// First id of those that are known by their event's number.
const UNTYPED: u32 = 100_000_000;

/// First id of those that are known by a symbol of the kernel.
const RAW: u32 = 120_000_000;

/// First id of those in user programs.
const USER: u32 = 200_000_000;

/// A probe's id and description, before anything else is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeName {
    /// See the module.
    pub id: u32,
    /// Provider.
    pub provider: &'static str,
    /// Module; may be empty.
    pub module: String,
    /// Function; may be empty.
    pub function: String,
    /// Name.
    pub name: String,
    /// What the provider needs to find it again: a type id, a number.
    pub key: u64,
}

impl ProbeName {
    /// Whether all fields match the pattern's globs.
    pub fn matches(&self, pattern: &ProbePattern) -> bool {
        glob_match(&pattern.provider, self.provider)
            && glob_match(&pattern.module, &self.module)
            && glob_match(&pattern.function, &self.function)
            && glob_match(&pattern.name, &self.name)
    }

    /// `provider:module:function:name`
    pub fn description(&self) -> String {
        format!("{}:{}:{}:{}", self.provider, self.module, self.function, self.name)
    }
}

/// Whether a field of a pattern names exactly one thing.
pub fn is_exact(field: &str) -> bool {
    !field.is_empty() && !field.contains(['*', '?', '[', '\\'])
}

/// How far apart ids of modules' types are moved.
#[derive(Clone, Debug)]
pub struct ModuleIds {
    /// Module and what to add to its type ids.
    moved: Vec<(String, u32)>,
}

impl ModuleIds {
    /// From the sizes of the modules' BTF, so that no other module must be read.
    pub fn of(kernel: &LiveKernel) -> ModuleIds {
        let mut next = 0u32;
        let moved = kernel
            .btf_modules()
            .into_iter()
            .map(|module| {
                let at = next;
                // The smallest type takes 12 bytes.
                next = next.saturating_add((kernel.module_btf_len(&module) / 12) as u32 + 1);
                (module, at)
            })
            .collect();
        ModuleIds { moved }
    }

    /// The probe id for a type; `second`: of the two probes of one type.
    pub fn id(&self, module: Option<&str>, ty: u32, second: bool) -> u32 {
        let moved = module
            .and_then(|m| self.moved.iter().find(|(name, _)| name == m))
            .map_or(0, |(_, by)| *by);
        TYPED
            .saturating_add(ty.saturating_add(moved).saturating_mul(2))
            .saturating_add(second.into())
    }
}

/// The probe id for an event without a type.
pub fn untyped_id(number: u32, second: bool) -> u32 {
    UNTYPED.saturating_add(number.saturating_mul(2)).saturating_add(second.into())
}

/// The probe id for a symbol, by its offset in the table of symbols.
pub fn raw_id(offset: usize, second: bool) -> u32 {
    RAW.saturating_add((offset as u32).saturating_mul(2))
        .saturating_add(second.into())
        .min(USER - 1)
}

/// Whether a probe with this id is known by a symbol.
pub fn is_raw(id: u32) -> bool {
    (RAW..USER).contains(&id)
}

/// The probe id for the n-th probe that was found in user programs.
pub fn user_id(n: usize) -> u32 {
    USER.saturating_add(n as u32)
}

/// The descriptions that match, in the order of their ids, and the providers that could
/// not be asked. Nothing but names is looked at.
pub fn names(kernel: &LiveKernel, pattern: &ProbePattern) -> (Vec<ProbeName>, Vec<ProbeError>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for provider in PROVIDERS.iter().filter(|p| p.claims(&pattern.provider)) {
        match provider.names(kernel, pattern) {
            Ok(names) => found.extend(names.into_iter().filter(|n| match pattern.id {
                Some(id) => n.id == id,
                None => provider.matches(n, pattern),
            })),
            Err(e) => errors.push(e),
        }
    }
    found.sort_by_key(|n| n.id);
    found.dedup_by_key(|n| n.id);
    (found, errors)
}

/// The probes that match, with arguments and sites.
pub fn find(kernel: &LiveKernel, pattern: &ProbePattern) -> Result<Vec<Probe>, ProbeError> {
    if let Some(known) = pattern.id.and_then(|id| kernel.known(id)) {
        return Ok(vec![known]);
    }
    let (names, mut errors) = names(kernel, pattern);
    // A provider that can't work is no error as long as others have what was asked for.
    if names.is_empty() {
        return if errors.is_empty() { Ok(Vec::new()) } else { Err(errors.remove(0)) };
    }
    names.iter().map(|name| describe(kernel, name)).collect()
}

/// Arguments and sites of a probe.
pub fn describe(kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
    let provider = provider(name.provider);
    provider.describe(kernel, name)
}

/// The provider of this name, which some [`ProbeName`] has.
pub fn provider(name: &str) -> &'static dyn Provider {
    let found = PROVIDERS.iter().find(|p| p.owns(name));
    *found.unwrap_or_else(|| unreachable!("a probe of the unknown provider {name}"))
}

/// How many suggestions are worth reading.
const SUGGESTIONS: usize = 3;

/// Why a pattern has matched nothing, if its provider knows.
pub fn why_none(kernel: &LiveKernel, pattern: &ProbePattern) -> Option<ProbeError> {
    let mut named = PROVIDERS.iter().filter(|p| p.name() == pattern.provider);
    named.find_map(|p| p.why_none(kernel, pattern))
}

/// Descriptions near a pattern that matched nothing, best first.
pub fn near(kernel: &LiveKernel, pattern: &ProbePattern) -> Vec<String> {
    let known_provider = PROVIDERS.iter().any(|p| p.claims(&pattern.provider));
    if !known_provider {
        let names: Vec<&str> = PROVIDERS.iter().map(|p| p.name()).collect();
        return near_providers(kernel, pattern, &names);
    }
    // The provider is right: relax the other fields and rank what there is.
    let all = ProbePattern { provider: pattern.provider.clone(), ..ProbePattern::default() };
    // What is in user programs is too much to look at; their providers say what is near.
    let kernel_side = PROVIDERS.iter().any(|p| glob_match(&pattern.provider, p.name()));
    let names = if kernel_side { names(kernel, &all).0 } else { Vec::new() };
    rank(pattern, &names)
}

/// The provider's name is wrong: the same description with a near one, if it matches.
fn near_providers(kernel: &LiveKernel, pattern: &ProbePattern, names: &[&str]) -> Vec<String> {
    let mut providers: Vec<(usize, &str)> =
        names.iter().map(|name| (distance(&pattern.provider, name), *name)).collect();
    providers.sort();
    let near = providers.into_iter().filter(|(d, name)| *d <= name.len().max(3) / 2);
    near.take(SUGGESTIONS)
        .map(|(_, name)| {
            let with = ProbePattern { provider: name.to_owned(), ..pattern.clone() };
            match names_first(kernel, &with) {
                Some(found) => found.description(),
                None => format!("{name}:::"),
            }
        })
        .collect()
}

fn names_first(kernel: &LiveKernel, pattern: &ProbePattern) -> Option<ProbeName> {
    names(kernel, pattern).0.into_iter().next()
}

/// The nearest descriptions. What has the same function and name but is elsewhere comes
/// first, then what is spelled alike.
fn rank(pattern: &ProbePattern, names: &[ProbeName]) -> Vec<String> {
    let field = |wanted: &str, is: &str| {
        if glob_match(wanted, is) { 0 } else { distance(wanted, is) }
    };
    let limit =
        [&pattern.module, &pattern.function, &pattern.name].iter().map(|f| f.len()).sum::<usize>()
            / 3;
    // A text that is much longer or shorter is far, whatever it says.
    let may_be_near = |n: &ProbeName| {
        glob_match(&pattern.function, &n.function)
            || n.function.len().abs_diff(pattern.function.len()) <= limit.max(2)
    };
    let mut scored: Vec<(usize, usize)> = names
        .iter()
        .enumerate()
        .filter(|(_, n)| may_be_near(n))
        .map(|(i, n)| {
            let elsewhere = usize::from(!glob_match(&pattern.module, &n.module));
            let score = 2 * (field(&pattern.function, &n.function) + field(&pattern.name, &n.name));
            (score + elsewhere, i)
        })
        .filter(|(score, _)| *score <= 2 * limit.max(2) + 1)
        .collect();
    scored.sort();
    // Next to a very near one, the others are noise.
    let worst = scored.first().map_or(0, |(best, _)| 3 * best + 1);
    scored.retain(|(score, _)| *score <= worst);
    scored.into_iter().take(SUGGESTIONS).map(|(_, i)| names[i].description()).collect()
}

/// Edit distance, with a swap of neighbours as one edit; large texts are cut.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (&a.as_bytes()[..a.len().min(64)], &b.as_bytes()[..b.len().min(64)]);
    let mut before_last = vec![0usize; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(module: &str, function: &str, name: &str) -> ProbeName {
        ProbeName {
            id: 0,
            provider: "fbt",
            module: module.to_owned(),
            function: function.to_owned(),
            name: name.to_owned(),
            key: 0,
        }
    }

    #[test]
    fn distances() {
        for (a, b, d) in [("", "", 0), ("open", "opne", 1), ("read", "write", 4), ("", "abc", 3)] {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
    }

    #[test]
    fn suggestions_come_best_first() {
        let names = [
            name("vmlinux", "vfs_write", "entry"),
            name("vmlinux", "vfs_read", "entry"),
            name("vmlinux", "vfs_read", "return"),
            name("ext4", "ext4_readpage", "entry"),
        ];
        let pattern = ProbePattern {
            provider: "fbt".into(),
            function: "vfs_raed".into(),
            name: "entry".into(),
            ..ProbePattern::default()
        };
        insta::assert_snapshot!(rank(&pattern, &names).join("\n"), @"fbt:vmlinux:vfs_read:entry");
        let elsewhere = ProbePattern {
            module: "ext3".into(),
            function: "ext4_readpage".into(),
            name: "entry".into(),
            ..ProbePattern::default()
        };
        insta::assert_snapshot!(rank(&elsewhere, &names).join("\n"), @"fbt:ext4:ext4_readpage:entry");
    }

    #[test]
    fn exact_fields() {
        assert!(is_exact("read") && !is_exact("") && !is_exact("re*d") && !is_exact("a\\b"));
    }
}
