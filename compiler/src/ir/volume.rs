//! How many bytes of records a module's programs can make.
//!
//! In: a [`Module`] after all passes. Out: an upper bound of what the ring buffer has to take if
//! each program runs once, or `None` where a loop makes records. A program of BEGIN and END alone
//! needs no buffer for bursts, which is most of what it would take to start.

use super::cfg::Cfg;
use super::{Function, FunctionKind, Helper, Module, Op, Value};

/// What the ring buffer puts before each record, and what it rounds to.
const HEADER: u64 = 8;

/// The bound; `None` if it is none.
pub fn records(module: &Module) -> Option<u64> {
    let mut sum = 0u64;
    for function in &module.functions {
        let own = of_function(function);
        // Nobody knows how often another calls it.
        let once = matches!(function.kind, FunctionKind::Program { .. });
        if own != 0 && (!once || loops(function)) {
            return None;
        }
        sum = sum.saturating_add(own);
    }
    Some(sum)
}

/// Bytes of all records that its instructions reserve; as good as infinite if that isn't known.
fn of_function(function: &Function) -> u64 {
    let constants = function.constants();
    let constant = |value: &Value| constants[value.index()].and_then(|n| u64::try_from(n).ok());
    let reserved = |op: &Op| match op {
        Op::Helper(Helper::RINGBUF_RESERVE, args) => {
            let size = args.get(1).and_then(constant).unwrap_or(u64::MAX / 2);
            size.next_multiple_of(HEADER) + HEADER
        }
        Op::Helper(Helper::RINGBUF_OUTPUT, _) => u64::MAX / 2,
        _ => 0,
    };
    let insts = function.blocks.iter().flat_map(|b| &b.insts);
    insts.fold(0, |sum, i| sum.saturating_add(reserved(&i.op)))
}

/// Whether control can come back to a block.
fn loops(function: &Function) -> bool {
    let cfg = Cfg::new(function);
    let place = |b: super::BlockId| cfg.position[b.index()];
    cfg.order
        .iter()
        .any(|b| function.blocks[b.index()].term.targets().any(|t| place(t.block) <= place(*b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::parse::parse;

    fn of(body: &str) -> Option<u64> {
        let text = format!(
            "map records ringbuf entries 4096 flags 0x0\n\nprogram \"raw_tp\" @p(%0: ptr) {{\nb0:\n  \
             %1 = map records\n  %2 = const 30\n  %3 = const 0\n{body}\n}}\n"
        );
        records(&parse(&text).expect("it is IR"))
    }

    #[test]
    fn records_are_bounded_without_loops() {
        assert_eq!(of("  ret %3"), Some(0));
        let reserve = "helper ringbuf_reserve(%1, %2, %3)";
        assert_eq!(of(&format!("  %4 = {reserve}\n  %5 = {reserve}\n  ret %3")), Some(80));
        assert_eq!(of(&format!("  jump b1\nb1:\n  %4 = {reserve}\n  jump b1")), None);
        assert_eq!(of("  jump b1\nb1:\n  jump b1"), Some(0));
    }
}
