//! Which values live across calls.
//!
//! In: a prepared function. Out: the values that something still reads behind a call that comes
//! after their definition. Decides nothing; the selector gives them no fixed register, since the
//! allocator would keep such a value in one of those that calls destroy at either end of its life
//! and move it in between.

use super::prepare::Prepared;
use crate::ir::cfg::BlockLists;
use crate::ir::{BlockId, Function, Op, Value};

/// Blocks that are looked at on the ways to one use; with more, a call is taken to be among them.
const MOST_BLOCKS: usize = 64;

/// By value: whether it lives across a call.
pub fn crossing(prepared: &Prepared) -> Vec<bool> {
    let mut search = Search::new(prepared);
    for (b, block) in (0..).map(BlockId).zip(&prepared.function.blocks) {
        for (i, inst) in (0..).zip(&block.insts) {
            inst.for_each_use(|v| search.used(v, b, i));
        }
        let end = block.insts.len() as i32;
        block.term.for_each_use(|v| search.used(v, b, end));
    }
    // A branch gives what it compares a new name, which stays in the same register.
    let names = prepared.function.blocks.iter().zip(&prepared.refined).rev();
    for (block, refined) in names {
        if let crate::ir::Terminator::Branch { a, b, .. } = &block.term {
            for (old, new) in [a, b].into_iter().zip(refined) {
                if let Some(new) = new {
                    search.crosses[old.index()] |= search.crosses[new.index()];
                }
            }
        }
    }
    search.crosses
}

struct Search {
    /// By block: where its calls are.
    calls: Vec<Vec<i32>>,
    preds: BlockLists,
    /// By value: the block and the instruction that define it; -1 for parameters.
    defs: Vec<(BlockId, i32)>,
    crosses: Vec<bool>,
    /// By block: the last search that has seen it.
    seen: Vec<u32>,
    search: u32,
}

impl Search {
    fn new(prepared: &Prepared) -> Self {
        let function: &Function = &prepared.function;
        let blocks = (0..).map(BlockId).zip(&function.blocks);
        let edges = blocks.flat_map(|(b, block)| block.term.targets().map(move |t| (t.block, b)));
        let mut search = Search {
            calls: Vec::with_capacity(function.blocks.len()),
            preds: BlockLists::new(function.blocks.len(), edges),
            defs: vec![(BlockId(0), -1); function.values.len()],
            crosses: vec![false; function.values.len()],
            seen: vec![0; function.blocks.len()],
            search: 0,
        };
        for (b, block) in (0..).map(BlockId).zip(&function.blocks) {
            let mut calls = Vec::new();
            for p in &block.params {
                search.defs[p.index()] = (b, -1);
            }
            for (i, inst) in (0..).zip(&block.insts) {
                if matches!(inst.op, Op::Helper(..) | Op::Call(..) | Op::CallKernel(_)) {
                    calls.push(i);
                }
                if let Some(v) = inst.result {
                    search.defs[v.index()] = (b, i);
                }
            }
            for v in prepared.refined[b.index()].iter().flatten() {
                search.defs[v.index()] = (b, block.insts.len() as i32);
            }
            search.calls.push(calls);
        }
        search
    }

    /// Whether the block has a call behind one place and before another.
    fn calls_between(&self, block: BlockId, from: i32, to: i32) -> bool {
        self.calls[block.index()].iter().any(|i| from < *i && *i < to)
    }

    /// Something reads the value at this place.
    fn used(&mut self, v: Value, block: BlockId, at: i32) {
        if self.crosses[v.index()] {
            return;
        }
        let (home, def) = self.defs[v.index()];
        self.crosses[v.index()] = if block == home && at > def {
            self.calls_between(block, def, at)
        } else {
            self.calls_between(block, -1, at)
                || self.calls_between(home, def, i32::MAX)
                || self.calls_on_the_way(home, block)
        };
    }

    /// Whether a block between these two has a call.
    fn calls_on_the_way(&mut self, from: BlockId, to: BlockId) -> bool {
        self.search += 1;
        let mut left = MOST_BLOCKS;
        let mut work = self.preds[to].to_vec();
        while let Some(block) = work.pop() {
            let seen = std::mem::replace(&mut self.seen[block.index()], self.search);
            if block == from || seen == self.search {
                continue;
            }
            if left == 0 || !self.calls[block.index()].is_empty() {
                return true;
            }
            left -= 1;
            work.extend(&self.preds[block]);
        }
        false
    }
}
