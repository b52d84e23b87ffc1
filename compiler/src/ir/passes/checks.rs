//! Drops branches whose outcome an earlier branch has settled.
//!
//! Walks down the dominator tree with what is known of pairs of values: behind
//! `br.ne %p, %0` the same check, such as a second null check, is decided, and so are
//! those that follow from it.

use crate::ir::cfg::Cfg;
use crate::ir::{BlockId, Cond, Function, Terminator, Value};
use rustc_hash::FxHashMap;

/// Removes redundant checks of a function.
pub fn checks(function: &mut Function) {
    let cfg = Cfg::new(function);
    let children = cfg.dominator_tree();
    let constants = function.constants();
    let mut known: FxHashMap<(Value, Operand), Cond> = FxHashMap::default();
    enum Step {
        Enter(BlockId),
        Restore((Value, Operand), Option<Cond>),
    }
    let mut steps = vec![Step::Enter(BlockId(0))];
    while let Some(step) = steps.pop() {
        let block = match step {
            Step::Restore(key, before) => {
                match before {
                    Some(cond) => known.insert(key, cond),
                    None => known.remove(&key),
                };
                continue;
            }
            Step::Enter(block) => block,
        };
        // The edge into a block that has no other tells which way the branch went.
        if let [pred] = cfg.preds[block][..]
            && let Some((key, cond)) = fact(function, &constants, pred, block)
        {
            steps.push(Step::Restore(key, known.insert(key, cond)));
        }
        let term = &mut function.blocks[block.index()].term;
        if let Terminator::Branch { cond, a, b, then, otherwise } = term
            && let Some(before) = known.get(&key(&constants, *a, *b))
            && let Some(outcome) = implies(*before, *cond)
        {
            let target = if outcome { then } else { otherwise };
            *term = Terminator::Jump(std::mem::take(target));
        }
        steps.extend(children[block].iter().map(|c| Step::Enter(*c)));
    }
}

/// The right side of a comparison: equal constants may be different values.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Operand {
    Number(i64),
    Value(Value),
}

fn key(constants: &[Option<i64>], a: Value, b: Value) -> (Value, Operand) {
    (a, constants[b.index()].map_or(Operand::Value(b), Operand::Number))
}

/// What holds in `block` because its only predecessor went there.
fn fact(
    function: &Function,
    constants: &[Option<i64>],
    pred: BlockId,
    block: BlockId,
) -> Option<((Value, Operand), Cond)> {
    match &function.blocks[pred.index()].term {
        Terminator::Branch { cond, a, b, then, .. } => {
            let holds = then.block == block;
            Some((key(constants, *a, *b), if holds { *cond } else { cond.negate() }))
        }
        _ => None,
    }
}

/// Whether `asked` holds, given that `known` does.
fn implies(known: Cond, asked: Cond) -> Option<bool> {
    let decide = |known: u8, asked: u8| match (known & !asked, known & asked) {
        (0, _) => Some(true),
        (_, 0) => Some(false),
        _ => None,
    };
    match (orders(known), orders(asked)) {
        ([Some(known), _], [Some(asked), _]) | ([_, Some(known)], [_, Some(asked)]) => {
            decide(known, asked)
        }
        _ => None,
    }
}

/// For which of less (1), equal (2) and greater (4) it holds: unsigned, signed.
fn orders(cond: Cond) -> [Option<u8>; 2] {
    match cond {
        Cond::Eq => [Some(2), Some(2)],
        Cond::Ne => [Some(5), Some(5)],
        Cond::ULt => [Some(1), None],
        Cond::ULe => [Some(3), None],
        Cond::UGt => [Some(4), None],
        Cond::UGe => [Some(6), None],
        Cond::SLt => [None, Some(1)],
        Cond::SLe => [None, Some(3)],
        Cond::SGt => [None, Some(4)],
        Cond::SGe => [None, Some(6)],
    }
}
