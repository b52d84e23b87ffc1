//! Drops what nothing needs: instructions, block parameters, slots, value numbers.

use crate::ir::{BlockId, Function, Inst, Op, SlotId, Value};

/// Removes dead code from a function without unreachable blocks.
pub fn dead(function: &mut Function) {
    let live = Liveness::new(function).run();
    let dead_inst = |i: &Inst| is_removable(&i.op) && !i.result.is_some_and(|v| live[v.index()]);
    for b in 0..function.blocks.len() {
        let mut term = std::mem::take(&mut function.blocks[b].term);
        for target in term.targets_mut() {
            let params = &function.blocks[target.block.index()].params;
            let mut keep = params.iter().map(|p| live[p.index()]);
            target.args.retain(|_| keep.next().unwrap_or(true));
        }
        function.blocks[b].term = term;
    }
    for block in &mut function.blocks {
        block.params.retain(|p| live[p.index()]);
        block.insts.retain(|i| !dead_inst(i));
    }
    drop_slots(function);
    renumber(function);
}

/// Whether it may go if its result is unused.
fn is_removable(op: &Op) -> bool {
    op.is_removable() || matches!(op, Op::Helper(helper, _) if helper.only_reads())
}

struct Liveness<'a> {
    function: &'a Function,
    live: Vec<bool>,
    /// By value: the instruction or the block parameter that it is.
    defs: Vec<Option<Def<'a>>>,
    /// By block: who jumps here and with which target.
    incoming: Vec<Vec<(BlockId, usize)>>,
    work: Vec<Value>,
}

#[derive(Clone, Copy)]
enum Def<'a> {
    Inst(&'a Inst),
    /// Block and index.
    Param(BlockId, usize),
}

impl<'a> Liveness<'a> {
    fn new(function: &'a Function) -> Self {
        let mut defs = vec![None; function.values.len()];
        let mut incoming = vec![Vec::new(); function.blocks.len()];
        for (b, block) in (0..).map(BlockId).zip(&function.blocks) {
            for (i, p) in block.params.iter().enumerate() {
                defs[p.index()] = Some(Def::Param(b, i));
            }
            for inst in &block.insts {
                if let Some(v) = inst.result {
                    defs[v.index()] = Some(Def::Inst(inst));
                }
            }
            for (i, target) in block.term.targets().enumerate() {
                incoming[target.block.index()].push((b, i));
            }
        }
        let live = vec![false; function.values.len()];
        Liveness { function, live, defs, incoming, work: Vec::new() }
    }

    fn run(mut self) -> Vec<bool> {
        for block in &self.function.blocks {
            for inst in block.insts.iter().filter(|i| !is_removable(&i.op)) {
                inst.for_each_use(|v| self.work.push(v));
            }
            let args: usize = block.term.targets().map(|t| t.args.len()).sum();
            let mut reads = Vec::new();
            block.term.for_each_use(|v| reads.push(v));
            // Arguments come last; they are live only if their parameters are.
            self.work.extend(&reads[..reads.len() - args]);
        }
        while let Some(v) = self.work.pop() {
            if std::mem::replace(&mut self.live[v.index()], true) {
                continue;
            }
            match self.defs[v.index()] {
                None => {}
                Some(Def::Inst(inst)) => inst.for_each_use(|v| self.work.push(v)),
                Some(Def::Param(block, index)) => {
                    for (from, target) in &self.incoming[block.index()] {
                        let term = &self.function.blocks[from.index()].term;
                        if let Some(t) = term.targets().nth(*target) {
                            self.work.push(t.args[index]);
                        }
                    }
                }
            }
        }
        self.live
    }
}

fn drop_slots(function: &mut Function) {
    let mut used = vec![false; function.slots.len()];
    let insts = |f: &mut Function, on: &mut dyn FnMut(&mut SlotId)| {
        for inst in f.blocks.iter_mut().flat_map(|b| &mut b.insts) {
            if let Op::Slot(s) = &mut inst.op {
                on(s);
            }
        }
    };
    insts(function, &mut |s| used[s.index()] = true);
    let mut next = 0;
    let new: Vec<_> = used
        .iter()
        .map(|used| {
            next += u32::from(*used);
            SlotId(next.saturating_sub(1))
        })
        .collect();
    insts(function, &mut |s| *s = new[s.index()]);
    let mut used = used.iter();
    function.slots.retain(|_| used.next().copied().unwrap_or(true));
}

/// Numbers values in the order of their definitions.
fn renumber(function: &mut Function) {
    let mut new = vec![Value(u32::MAX); function.values.len()];
    let mut types = Vec::with_capacity(function.values.len());
    let old = std::mem::take(&mut function.values);
    let mut define = |v: &mut Value| {
        new[v.index()] = Value(types.len() as u32);
        types.push(old[v.index()]);
        *v = new[v.index()];
    };
    function.params.iter_mut().for_each(&mut define);
    for block in &mut function.blocks {
        block.params.iter_mut().for_each(&mut define);
        block.insts.iter_mut().filter_map(|i| i.result.as_mut()).for_each(&mut define);
    }
    function.values = types;
    super::rename(function, |v| new[v.index()]);
}
