//! Lets jumps go where they end up.
//!
//! A block that holds nothing but its terminator and whose parameters nothing else
//! reads is skipped by all who know already where it goes: a jump goes on, a branch on
//! a constant argument (what `&&`, `||` and `?:` lower to) is decided.

use crate::ir::{Cond, Function, Target, Terminator, Value};

/// More hops than any chain that lowering makes; ends a walk around an empty loop.
const HOPS: usize = 32;

/// Threads the jumps of a function.
pub fn thread(function: &mut Function) {
    let through = Through::new(function);
    if !through.transparent.iter().any(|t| *t) {
        return;
    }
    for b in 0..function.blocks.len() {
        let mut term = std::mem::take(&mut function.blocks[b].term);
        for target in term.targets_mut() {
            for _ in 0..HOPS {
                match through.next(function, target) {
                    Some(next) => *target = next,
                    None => break,
                }
            }
        }
        function.blocks[b].term = term;
    }
}

struct Through {
    /// By block: whether it may be skipped.
    transparent: Vec<bool>,
    /// By value: the number that it is.
    constants: Vec<Option<i64>>,
}

impl Through {
    fn new(function: &Function) -> Self {
        let mut uses = vec![0u32; function.values.len()];
        for block in &function.blocks {
            for inst in &block.insts {
                inst.for_each_use(|v| uses[v.index()] += 1);
            }
            block.term.for_each_use(|v| uses[v.index()] += 1);
        }
        let transparent = function.blocks.iter().map(|block| {
            if !block.insts.is_empty() {
                return false;
            }
            let mut outside: u32 = block.params.iter().map(|p| uses[p.index()]).sum();
            block.term.for_each_use(|v| outside -= u32::from(block.params.contains(&v)));
            outside == 0
        });
        Through { transparent: transparent.collect(), constants: function.constants() }
    }

    /// One step on from a target, if that is certain.
    fn next(&self, function: &Function, target: &Target) -> Option<Target> {
        let block = &function.blocks[target.block.index()];
        if !self.transparent[target.block.index()] {
            return None;
        }
        let value = |v: &Value| match block.params.iter().position(|p| p == v) {
            Some(i) => target.args[i],
            None => *v,
        };
        let next = match &block.term {
            Terminator::Jump(next) => next,
            Terminator::Branch { cond, a, b, then, otherwise } => {
                if self.decide(*cond, value(a), value(b))? { then } else { otherwise }
            }
            Terminator::Return(_) | Terminator::Missing => return None,
        };
        Some(Target { block: next.block, args: next.args.iter().map(value).collect() })
    }

    fn decide(&self, cond: Cond, a: Value, b: Value) -> Option<bool> {
        Some(cond.holds(self.constants[a.index()]?, self.constants[b.index()]?))
    }
}
