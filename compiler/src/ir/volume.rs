//! How many bytes of records programs can make.
//!
//! In: a [`Module`] after all passes. Out: of a program, an upper bound of what it puts into the
//! ring buffer each time it runs, if no loop makes records, and whether that tells of faults only.
//! The buffer is what takes longest to make; programs that only count need none for bursts.

use super::cfg::Cfg;
use super::{Function, FunctionKind, Helper, Module, Op, Value};
use crate::manifest::{FAULT_RECORD, Volume};
use rustc_hash::{FxHashMap, FxHashSet};

/// What the ring buffer puts before each record, and what it rounds to.
const HEADER: u64 = 8;

/// What each program makes, by its name.
pub fn of_programs(module: &Module) -> FxHashMap<&str, Volume> {
    let is_program = |f: &&Function| matches!(f.kind, FunctionKind::Program { .. });
    let (programs, others): (Vec<_>, Vec<_>) = module.functions.iter().partition(is_program);
    // Nobody knows how often another function is called, and by whom.
    let known = others.into_iter().map(Records::of).all(|r| r == Records::default());
    let volume = |program: &Function| {
        if !known {
            return Volume::default();
        }
        let Records { bytes, data } = Records::of(program);
        let bounded = bytes == 0 || !loops(program);
        Volume { bytes: bounded.then_some(bytes), only_faults: !data }
    };
    programs.into_iter().map(|f| (f.name.as_str(), volume(f))).collect()
}

/// What the instructions of a function reserve.
#[derive(Default, PartialEq)]
struct Records {
    /// As good as infinite if that isn't known.
    bytes: u64,
    /// Not only for faults.
    data: bool,
}

impl Records {
    fn of(function: &Function) -> Records {
        let constants = function.constants();
        let constant = |value: &Value| constants[value.index()];
        let insts = || function.blocks.iter().flat_map(|b| &b.insts);
        // What is written at the start of something as that of a fault's record is.
        let faults: FxHashSet<Value> = insts()
            .filter_map(|i| match &i.op {
                Op::Store { base, offset: 0, value, .. } => {
                    constant(value).is_some_and(|n| n as u32 == FAULT_RECORD).then_some(*base)
                }
                _ => None,
            })
            .collect();
        let mut records = Records::default();
        for inst in insts() {
            let (size, is_fault) = match &inst.op {
                Op::Helper(Helper::RINGBUF_RESERVE, args) => {
                    let size = args.get(1).and_then(constant).and_then(|n| u64::try_from(n).ok());
                    (
                        size.unwrap_or(u64::MAX / 2),
                        inst.result.is_some_and(|record| faults.contains(&record)),
                    )
                }
                Op::Helper(Helper::RINGBUF_OUTPUT, _) => (u64::MAX / 2, false),
                _ => continue,
            };
            let size = size.next_multiple_of(HEADER).saturating_add(HEADER);
            records.bytes = records.bytes.saturating_add(size);
            records.data |= !is_fault;
        }
        records
    }
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

    fn made(body: &str) -> (Option<u64>, bool) {
        let text = format!(
            "map records ringbuf entries 4096 flags 0x0\n\nprogram \"raw_tp\" @p(%0: ptr) {{\nb0:\n  \
             %1 = map records\n  %2 = const 30\n  %3 = const 0\n{body}\n}}\n"
        );
        let module = parse(&text).expect("it is IR");
        let Volume { bytes, only_faults } = of_programs(&module)["p"];
        (bytes, only_faults)
    }

    #[test]
    fn records_are_bounded_without_loops() {
        assert_eq!(made("  ret %3"), (Some(0), true));
        let reserve = "helper ringbuf_reserve(%1, %2, %3)";
        let twice = format!("  %4 = {reserve}\n  %5 = {reserve}\n  ret %3");
        assert_eq!(made(&twice), (Some(80), false));
        assert_eq!(made(&format!("  jump b1\nb1:\n  %4 = {reserve}\n  jump b1")), (None, false));
        assert_eq!(made("  jump b1\nb1:\n  jump b1"), (Some(0), true));
    }

    #[test]
    fn faults_are_told_apart() {
        let made_with = |first: i64| {
            made(&format!(
                "  %4 = helper ringbuf_reserve(%1, %2, %3)\n  br.eq %4, %3, b2, b1\nb1:\n  \
                 %5 = const {first}\n  store.u32 %4, %5\n  jump b2\nb2:\n  ret %3"
            ))
        };
        assert_eq!(made_with(-1), (Some(40), true));
        assert_eq!(made_with(7), (Some(40), false));
    }
}
