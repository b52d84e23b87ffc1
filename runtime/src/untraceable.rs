//! Why a function of the kernel can't be traced, and what serves instead.
//!
//! In: a function's name, the kernel's symbols, its list of traceable functions, its list
//! of functions that kprobes must keep out of, its tracepoints. Out: a reason in words, and
//! a hint. All of this is looked at only when something went wrong, since it takes longer
//! than to trace. Decides nothing about what is traced.

use crate::kernel::LiveKernel;
use crate::probe::{distance, is_exact};
use crate::tracefs;
use std::io::ErrorKind;
use strand_compiler::btf::BtfKind;
use strand_compiler::kernel::{Kernel, ProbeError, ProbePattern, glob_match};

/// Where debugfs lists the functions that no kprobe may be in.
const DENIED: &str = "kprobes/blacklist";

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is the matter, as the end of a sentence about the function.
    pub why: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What the kernel says of a function of this name.
#[derive(Clone, Debug, Default)]
struct Facts<'a> {
    /// There is a symbol of the name.
    exists: bool,
    /// In BTF.
    typed: bool,
    /// The probe is one that needs it to be.
    needs_types: bool,
    /// It is among those that can be traced; `None` if the kernel doesn't list them.
    traceable: Option<bool>,
    /// Kprobes must keep out of it.
    denied: bool,
    /// Functions that share the name.
    count: usize,
    /// What the compiler has made of it: `f.isra.0`.
    variants: Vec<&'a str>,
}

impl Facts<'_> {
    fn reason(&self, function: &str) -> Option<Reason> {
        let reason = |why: &str, hint: Option<String>| Some(Reason { why: why.to_owned(), hint });
        if let [first, ..] = self.variants.as_slice()
            && !self.exists
        {
            return reason(
                &format!("the compiler has made {} of it", self.variants.join(", ")),
                Some(format!(
                    "`rawfbt::{first}:` traces that, with arguments that may be others than in \
                     the source"
                )),
            );
        }
        match (self.exists, self.denied, self.traceable) {
            (false, ..) if self.typed => reason(
                "this kernel's code has no such function: the compiler has put it into its callers",
                None,
            ),
            (false, ..) => None,
            (_, _, Some(false)) => reason(
                "the kernel has left no place for a probe in it (it is marked notrace, was built \
                 without tracing, or was only there to boot)",
                None,
            ),
            _ if !self.typed && self.needs_types => reason(
                "the kernel's types (BTF) leave it out",
                Some(format!("`rawfbt::{function}:` traces it, with arguments without types")),
            ),
            _ if self.count > 1 => reason(
                &format!(
                    "{} functions have that name, and the kernel doesn't let the first be traced",
                    self.count
                ),
                Some(format!("`rawfbt::{function}:` traces the first that can be")),
            ),
            (_, true, _) => reason("probes need it themselves, so none may be in it", None),
            _ => None,
        }
    }
}

/// Why a function can't be traced; `None` if nothing tells.
pub fn why(
    kernel: &LiveKernel,
    provider: &str,
    module: Option<&str>,
    function: &str,
) -> Option<Reason> {
    let mut facts = facts(kernel, module, function)?;
    facts.needs_types = provider == "fbt";
    if !facts.needs_types {
        // Others have been tried.
        facts.count = facts.count.min(1);
    }
    let mut reason = facts.reason(function)?;
    if let Some(event) = event_like(kernel, function) {
        let instead = format!("the tracepoint `{event}` may serve instead");
        reason.hint = Some(match reason.hint {
            Some(hint) => format!("{hint}; {instead}"),
            None => instead,
        });
    }
    Some(reason)
}

/// Why a description of one function's probes matches none.
pub fn why_none(kernel: &LiveKernel, pattern: &ProbePattern) -> Option<ProbeError> {
    let function = pattern.function.as_str();
    if !["entry", "return"].iter().any(|name| glob_match(&pattern.name, name)) {
        let message = format!("functions of the kernel have no probe `{}`", pattern.name);
        let hint = Some("they have `entry` and `return`".to_owned());
        return Some(ProbeError { code: "D_PDESC_ZERO", message, hint });
    }
    if !is_exact(function) || kernel.symbols().is_none() {
        return None;
    }
    let module = is_exact(&pattern.module).then_some(pattern.module.as_str());
    if let Some(reason) = why(kernel, &pattern.provider, module, function) {
        return Some(reason.about(function));
    }
    // The tracepoint that fires where it was is better advice than what is spelled alike.
    let event = event_like(kernel, function);
    let hint = match (event, kernel.near_probes(pattern).as_slice()) {
        (Some(event), _) => Some(format!("the tracepoint `{event}` may serve instead")),
        (None, []) => None,
        (None, [one]) => Some(format!("did you mean `{one}`?")),
        (None, near) => {
            let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
            Some(format!("did you mean one of {}?", near.join(", ")))
        }
    };
    let place = module.map_or_else(|| "this kernel".to_owned(), |m| format!("the module {m}"));
    let why = format!(
        "the code of {place} has no such function: it has another name, or the compiler has put \
         it into its callers"
    );
    Some(Reason { why, hint }.about(function))
}

impl Reason {
    /// That a description of the function's probes matches none.
    pub fn about(self, function: &str) -> ProbeError {
        let message = format!("{function} can't be traced: {}", self.why);
        ProbeError { code: "D_PDESC_ZERO", message, hint: self.hint }
    }
}

fn facts<'a>(kernel: &'a LiveKernel, module: Option<&str>, function: &'a str) -> Option<Facts<'a>> {
    let symbols = kernel.symbols()?;
    let listed = kernel.traceable();
    let own = |m: Option<&str>| module.is_none_or(|wanted| wanted == m.unwrap_or("vmlinux"));
    let mut facts = Facts { traceable: listed.map(|t| t.contains(function)), ..Facts::default() };
    for name in symbols.functions_like(function).filter(|f| own(f.module)).map(|f| f.name) {
        let suffix = name.strip_prefix(function).unwrap_or_default();
        if suffix.is_empty() {
            facts.exists = true;
            facts.count += 1;
            continue;
        }
        let traced = listed.is_none_or(|t| t.contains(name));
        if is_variant(suffix) && traced && !facts.variants.contains(&name) {
            facts.variants.push(name);
        }
    }
    let types = kernel.types_of(module.filter(|m| *m != "vmlinux"));
    facts.typed = types.is_some_and(|btf| btf.find(function, |k| k == BtfKind::Function).is_some());
    let denied = if kernel.is_live() {
        tracefs::read_debug(DENIED)
    } else {
        Err(ErrorKind::NotFound.into())
    };
    facts.denied = denied.is_ok_and(|text| is_denied(&text, function));
    Some(facts)
}

/// Whether a suffix says that it is the function, with other parameters or less of it. What
/// is cold is only a part that is hardly ever run.
fn is_variant(suffix: &str) -> bool {
    [".isra.", ".constprop.", ".part."].iter().any(|s| suffix.starts_with(s))
        && !suffix.contains(".cold")
}

/// A line is the range of its addresses, and its name.
fn is_denied(list: &str, function: &str) -> bool {
    list.lines().any(|l| l.split_ascii_whitespace().nth(1) == Some(function))
}

/// A function's name without what marks it as one that is meant for insiders, or as what
/// fires a tracepoint.
fn bare(function: &str) -> &str {
    let name = function.trim_start_matches('_');
    ["trace_", "do_trace_", "do_"].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name)
}

/// The tracepoint whose name is most like a function's, as `sdt` has it.
fn event_like(kernel: &LiveKernel, function: &str) -> Option<String> {
    let bare = bare(function);
    let events = kernel.tracefs().ok()?.events().ok()?;
    let nearest = events
        .iter()
        .filter(|(group, _)| group != "syscalls" && group != "ftrace")
        .filter_map(|(group, event)| Some((likeness(bare, event)?, group, event)))
        .min()?;
    Some(format!("sdt:{}::{}", nearest.1, nearest.2))
}

/// How far an event's name is from a function's; `None` if they have nothing in common.
fn likeness(function: &str, event: &str) -> Option<usize> {
    if event == function {
        return Some(0);
    }
    let (short, long) = (function.len().min(event.len()), function.len().max(event.len()));
    // `block_rq_complete` for `blk_rq_complete`, not `foo` for `bar`.
    if short < 6 || long - short > short / 4 {
        return None;
    }
    Some(distance(function, event)).filter(|d| *d <= short / 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(facts: &Facts<'_>) -> String {
        let Some(reason) = facts.reason("f") else { return "nothing".to_owned() };
        match reason.hint {
            Some(hint) => format!("{} [{hint}]", reason.why),
            None => reason.why,
        }
    }

    #[test]
    fn reasons() {
        let there = Facts { exists: true, typed: true, needs_types: true, ..Facts::default() };
        let all = [
            Facts::default(),
            there.clone(),
            Facts { typed: true, ..Facts::default() },
            Facts { variants: vec!["f.isra.0", "f.part.0"], typed: true, ..Facts::default() },
            Facts { denied: true, traceable: Some(true), ..there.clone() },
            Facts { traceable: Some(false), ..there.clone() },
            Facts { traceable: Some(true), typed: false, ..there.clone() },
            Facts { traceable: Some(true), typed: false, needs_types: false, ..there.clone() },
            Facts { traceable: Some(true), count: 2, ..there },
        ];
        let said: Vec<_> = all.iter().map(said).collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        nothing
        nothing
        this kernel's code has no such function: the compiler has put it into its callers
        the compiler has made f.isra.0, f.part.0 of it [`rawfbt::f.isra.0:` traces that, with arguments that may be others than in the source]
        probes need it themselves, so none may be in it
        the kernel has left no place for a probe in it (it is marked notrace, was built without tracing, or was only there to boot)
        the kernel's types (BTF) leave it out [`rawfbt::f:` traces it, with arguments without types]
        nothing
        2 functions have that name, and the kernel doesn't let the first be traced [`rawfbt::f:` traces the first that can be]
        ");
    }

    #[test]
    fn variants_and_lists() {
        assert!(is_variant(".isra.0") && is_variant(".constprop.0.isra.0"));
        assert!(!is_variant(".cold") && !is_variant(".part.0.cold") && !is_variant("s"));
        let list = "0xffffffff81000000-0xffffffff81000040\tdo_int3\n";
        assert!(is_denied(list, "do_int3") && !is_denied(list, "do_int"));
    }

    #[test]
    fn events_like_functions() {
        assert_eq!(bare("__trace_sched_switch"), "sched_switch");
        assert_eq!(likeness("sched_switch", "sched_switch"), Some(0));
        assert!(likeness("blk_rq_complete", "block_rq_complete").is_some());
        assert_eq!(likeness("vfs_read", "vfs_write"), None);
        assert_eq!(likeness("foo", "bar"), None);
    }
}
