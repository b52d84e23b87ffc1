//! Brings a function into the shape that selection and register allocation want.
//!
//! In: a verified function. Out: a [`Prepared`] one:
//! - blocks stand in reverse postorder, unreachable ones are gone;
//! - only jumps carry block arguments, and no edge is critical: whoever ends in a
//!   branch goes to blocks that have no other predecessor;
//! - comparisons that serve a branch alone are part of it;
//! - what a branch compares has a new name in the blocks behind it.
//!
//! The last one is for the verifier. It learns bounds for the register that a branch
//! compares, and on kernels before 6.9 for no copy that was spilled before. Were the
//! compared value and the one used as an index the same virtual register, the
//! allocator might compare one copy and use another. So the branch itself defines
//! the refined value, in the very register that it compares, and everything that the
//! branch dominates reads that.

use super::expand::expand;
use crate::ir::cfg::Cfg;
use crate::ir::{Block, BlockId, Cond, Function, Inst, Op, Target, Terminator, Type, Value};

/// A function ready for selection.
#[derive(Debug)]
pub struct Prepared {
    /// Its blocks are in the order of `cfg.order`.
    pub function: Function,
    /// By block: the new names of the operands of its branch.
    pub refined: Vec<[Option<Value>; 2]>,
}

/// Prepares a function.
pub fn prepare(mut function: Function) -> Prepared {
    expand(&mut function);
    let cfg = Cfg::new(&function);
    forward_single_arguments(&mut function, &cfg);
    split_edges(&mut function, &cfg);
    fuse_comparisons(&mut function);
    reorder(&mut function);
    let refined = refine(&mut function);
    Prepared { function, refined }
}

/// A block with one way in needs no parameters: its arguments take their place.
fn forward_single_arguments(function: &mut Function, cfg: &Cfg) {
    let mut forward: Vec<Option<Value>> = vec![None; function.values.len()];
    for block in &cfg.order {
        let [pred] = cfg.preds[*block][..] else { continue };
        let params = std::mem::take(&mut function.blocks[block.index()].params);
        for target in function.blocks[pred.index()].term.targets_mut() {
            if target.block == *block {
                for (p, a) in params.iter().zip(target.args.drain(..)) {
                    forward[p.index()] = Some(a);
                }
            }
        }
    }
    if forward.iter().any(Option::is_some) {
        rename_all(function, |v| {
            let mut v = v;
            while let Some(w) = forward[v.index()] {
                v = w;
            }
            v
        });
    }
}

fn rename_all(function: &mut Function, name: impl Fn(Value) -> Value) {
    for block in &mut function.blocks {
        for inst in &mut block.insts {
            inst.op.map_uses(|v| *v = name(*v));
        }
        block.term.map_uses(|v| *v = name(*v));
    }
}

/// Puts a block on each edge from a branch to a block that has other ways in.
fn split_edges(function: &mut Function, cfg: &Cfg) {
    for block in &cfg.order {
        let n = function.blocks.len() as u32;
        let mut new = Vec::new();
        if let Terminator::Branch { then, otherwise, .. } = &mut function.blocks[block.index()].term
        {
            for target in [then, otherwise] {
                if cfg.preds[target.block].len() > 1 {
                    let via = Target { block: BlockId(n + new.len() as u32), args: Vec::new() };
                    let rest = std::mem::replace(target, via);
                    new.push(Block { term: Terminator::Jump(rest), ..Block::default() });
                }
            }
        }
        function.blocks.append(&mut new);
    }
}

/// Turns `branch.ne c, 0` with `c = compare x, y` into a branch on `x` and `y`.
fn fuse_comparisons(function: &mut Function) {
    let mut comparisons = vec![None; function.values.len()];
    let mut zero = vec![false; function.values.len()];
    for inst in function.blocks.iter().flat_map(|b| &b.insts) {
        match (&inst.op, inst.result) {
            (Op::Compare(cond, a, b), Some(v)) => comparisons[v.index()] = Some((*cond, *a, *b)),
            (Op::Const(0), Some(v)) => zero[v.index()] = true,
            _ => {}
        }
    }
    for block in &mut function.blocks {
        if let Terminator::Branch { cond, a, b, .. } = &mut block.term {
            while let (true, Some((inner, x, y))) = (zero[b.index()], comparisons[a.index()]) {
                *cond = match *cond {
                    Cond::Ne | Cond::UGt | Cond::SGt => inner,
                    Cond::Eq | Cond::ULe | Cond::SLe => inner.negate(),
                    _ => break,
                };
                (*a, *b) = (x, y);
            }
        }
    }
}

/// Puts the blocks into reverse postorder and drops unreachable ones.
fn reorder(function: &mut Function) {
    let cfg = Cfg::new(function);
    let blocks = cfg
        .order
        .iter()
        .map(|b| {
            let mut block = std::mem::take(&mut function.blocks[b.index()]);
            for target in block.term.targets_mut() {
                if let Some(p) = cfg.position[target.block.index()] {
                    target.block = BlockId(p);
                }
            }
            block
        })
        .collect();
    function.blocks = blocks;
}

/// Gives the operands of branches new names in the blocks that the branch dominates.
fn refine(function: &mut Function) -> Vec<[Option<Value>; 2]> {
    let cfg = Cfg::new(function);
    let children = cfg.dominator_tree();
    let constant = constants(function);
    let mut refined = vec![[None, None]; function.blocks.len()];
    let mut name: Vec<Value> = (0..function.values.len() as u32).map(Value).collect();
    let mut used = vec![false; function.values.len()];
    // Down the dominator tree; on the way up the names of each block are taken back.
    enum Step {
        Enter(BlockId),
        Leave(Value, Value),
    }
    let mut steps = vec![Step::Enter(BlockId(0))];
    while let Some(step) = steps.pop() {
        let block = match step {
            Step::Leave(v, before) => {
                name[v.index()] = before;
                continue;
            }
            Step::Enter(block) => block,
        };
        let Block { insts, term, .. } = &mut function.blocks[block.index()];
        let mut rename = |v: &mut Value| {
            let n = name[v.index()];
            used[n.index()] = true;
            *v = n;
        };
        let original = match term {
            Terminator::Branch { a, b, .. } if a != b => [Some(*a), Some(*b)],
            _ => [None, None],
        };
        insts.iter_mut().for_each(|i| i.op.map_uses(&mut rename));
        term.map_uses(&mut rename);
        for (slot, v) in refined[block.index()].iter_mut().zip(original) {
            let Some(v) = v else { continue };
            if function.values[v.index()] == Type::I64 && !constant[v.index()] {
                function.values.push(Type::I64);
                let new = Value(function.values.len() as u32 - 1);
                used.push(false);
                name.push(new);
                steps.push(Step::Leave(v, name[v.index()]));
                name[v.index()] = new;
                *slot = Some(new);
            }
        }
        steps.extend(children[block].iter().map(|b| Step::Enter(*b)));
    }
    for r in refined.iter_mut().flatten() {
        *r = r.filter(|v| used[v.index()]);
    }
    refined
}

/// Which values are numbers known before the program runs.
fn constants(function: &Function) -> Vec<bool> {
    let mut constant = vec![false; function.values.len()];
    let fixed = |i: &&Inst| matches!(i.op, Op::Const(_) | Op::FieldInfo(..));
    for inst in function.blocks.iter().flat_map(|b| &b.insts).filter(fixed) {
        if let Some(v) = inst.result {
            constant[v.index()] = true;
        }
    }
    constant
}
