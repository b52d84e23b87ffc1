//! Which aggregations nothing else changes while a program does.
//!
//! In: all enablings, and what the kernel does with a program that an event would run within
//! itself. Out: the aggregations that one program alone changes, of a kind that doesn't: it may
//! add to them without an atomic instruction, which takes as long as all else that is done there.
//! Other programs that would change them could run in an interrupt between reading and writing.

use super::program::places;
use super::syscall;
use super::unit::Unit;
use crate::kernel::{Attach, Feature};
use crate::typed::walk::{self, Node};
use crate::typed::{AggregationId, Enabling, StatementKind};
use rustc_hash::{FxHashMap, FxHashSet};

/// The number of whatever is more than one program, or may run within itself.
const SEVERAL: u32 = u32::MAX;

/// Those aggregations.
pub(super) fn exclusive(unit: &Unit) -> FxHashSet<AggregationId> {
    let program_of = programs(unit);
    let mut changed_by: FxHashMap<AggregationId, u32> = FxHashMap::default();
    for enabling in &unit.program.enablings {
        let by = program_of.get(&std::ptr::from_ref(enabling)).copied().unwrap_or(SEVERAL);
        for clause in &enabling.clauses {
            walk::clause(clause, &mut |node| {
                if let Node::Statement(s) = node
                    && let StatementKind::Aggregate { aggregation, .. } = &s.kind
                {
                    let known = changed_by.entry(*aggregation).or_insert(by);
                    *known = if *known == by { by } else { SEVERAL };
                }
            });
        }
    }
    changed_by.into_iter().filter(|(_, by)| *by != SEVERAL).map(|(id, _)| id).collect()
}

/// By enabling: a number of the one program that it becomes, if that is never run within itself.
fn programs(unit: &Unit) -> FxHashMap<*const Enabling, u32> {
    let enablings = &unit.program.enablings;
    let mut numbers: FxHashMap<*const Enabling, u32> = FxHashMap::default();
    let mut next = 0;
    for entry in [true, false] {
        let wanted = |e: &&Enabling| match e.sites.first().map(|s| &s.attach) {
            Some(Attach::SyscallEntry { .. }) => entry,
            Some(Attach::SyscallReturn { .. }) => !entry,
            _ => false,
        };
        for layer in syscall::layers(&enablings.iter().filter(wanted).collect::<Vec<_>>()) {
            numbers.extend(layer.into_iter().map(|e| (std::ptr::from_ref(e), next)));
            next += 1;
        }
    }
    for enabling in enablings {
        let Some(first) = enabling.sites.first() else { continue };
        let one = match first.attach.takes_cookie() {
            true => places(&enabling.sites).len() == 1,
            false => enabling.sites.len() == 1,
        };
        if one && never_within_itself(unit, &first.attach) {
            numbers.insert(std::ptr::from_ref(enabling), next);
            next += 1;
        }
    }
    numbers
}

/// Whether the kernel leaves out an event that would run its program on a processor where that
/// runs already. System calls aren't asked for here: interrupts make none.
fn never_within_itself(unit: &Unit, attach: &Attach) -> bool {
    match attach {
        // The runtime runs these, one after the other.
        Attach::Begin | Attach::End | Attach::Tick { .. } => true,
        // It does since there are fentry programs, and did so for kprobes and samples before.
        Attach::Fentry { .. }
        | Attach::Fexit { .. }
        | Attach::Kprobe { .. }
        | Attach::Kretprobe { .. }
        | Attach::Sample { .. } => true,
        // An object for any kernel may come to one that doesn't.
        Attach::Tracepoint { .. } | Attach::RawTracepoint { .. } => {
            unit.options.resolved && unit.kernel.has(Feature::TracepointsNeverNest)
        }
        // Another thread can take the processor while they run, and come to the same place.
        Attach::Uprobe(_) | Attach::Uretprobe(_) | Attach::Usdt { .. } => false,
        // Its clauses are in the programs that fault.
        Attach::Error => false,
        // They are in layers.
        Attach::SyscallEntry { .. } | Attach::SyscallReturn { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{KnownTypes, check};
    use crate::fixture::FixtureKernel;
    use crate::options::Options;
    use strand_grammar::UnitKind;
    use strand_grammar::macros::Macros;
    use strand_grammar::source::{SourceKind, Sources};

    /// Names of aggregations that one program alone changes.
    fn alone(text: &str, options: &Options) -> Vec<String> {
        let kernel = FixtureKernel::new();
        let mut sources = Sources::new();
        let source = sources.add("test.d", text, SourceKind::Script);
        let unit = strand_grammar::Unit { source, kind: UnitKind::Script };
        let (syntax, diagnostics) =
            strand_grammar::parse(&sources, &[unit], &KnownTypes::new(&kernel), &Macros::default());
        assert_eq!(diagnostics, []);
        let (program, diagnostics) = check(&syntax, &mut sources, &kernel, options);
        assert_eq!(diagnostics, []);
        let unit = Unit::new(&program, &kernel, options, &sources);
        let mut alone: Vec<String> = exclusive(&unit)
            .iter()
            .map(|id| program.aggregations[id.0 as usize].name.clone())
            .collect();
        alone.sort_unstable();
        alone
    }

    #[test]
    fn system_calls() {
        let text = "
            syscall::read:entry, syscall::write:entry { @one = count(); @both = count(); }
            syscall::read:return { @both = count(); @nested[pid] = quantize(arg0); }
            syscall::read:return { if (arg0) { @nested[1] = quantize(arg0); } @timed = count(); }
            tick-1s { @timed = count(); @clock = count(); }";
        assert_eq!(alone(text, &Options::default()), ["clock", "nested", "one"]);
    }

    #[test]
    fn other_events() {
        let text = "
            BEGIN { @begin = count(); }
            tick-1s { @tick = count(); }
            ERROR { @error = count(); }
            sdt:::block_rq_issue { @event = count(); @both = count(); }
            tick-2s { @both = count(); }";
        assert_eq!(alone(text, &Options::default()), ["begin", "tick"]);
        let here = Options { resolved: true, ..Options::default() };
        assert_eq!(alone(text, &here), ["begin", "event", "tick"]);
    }
}
