//! What instructions write: which slot, or anything else.
//!
//! In: a function. Out: the region that a pointer points into, the regions that an instruction
//! may write, and those that may have been written where ways come together. Decides what can be
//! told apart: a slot is a region of its own as long as its address is only used to load, to
//! store and to call helpers; so are the kernel's records, which a program doesn't write; all else
//! is one region.

use crate::ir::cfg::{BlockLists, Cfg};
use crate::ir::{BinOp, Block, BlockId, Function, Helper, Op, SlotId, Value};

/// A part of memory: [`ELSEWHERE`], [`KERNEL`] or a slot.
pub type Region = u32;

/// What is no slot, and slots whose address goes where it isn't followed.
pub const ELSEWHERE: Region = 0;

/// What fields of the kernel's records are read from. It changes all the time; what counts is
/// whether somebody would notice that it was read once where he asks for it twice, as he does
/// after waiting.
pub const KERNEL: Region = 1;

/// The first slot.
const SLOTS: Region = 2;

/// Blocks that are looked at to find out what was written on the ways to one.
const MOST_BLOCKS: u32 = 256;

/// Who writes what.
pub struct Memory {
    /// By value: the slot that it points into.
    slot_of: Vec<Option<SlotId>>,
    /// By slot: whether its address goes elsewhere.
    escaped: Vec<bool>,
    /// By place in a walk down the dominator tree: what the block there writes.
    written: Vec<Vec<Region>>,
    /// By block: its place there, and the place behind the last that it dominates.
    span: Vec<(u32, u32)>,
}

/// What was written.
pub enum Written {
    /// These regions, each at least once.
    Some(Vec<Region>),
    /// It would take too long to say.
    Anything,
}

impl Memory {
    /// Of a function whose dominator tree has these children.
    pub fn new(function: &Function, cfg: &Cfg, children: &BlockLists) -> Self {
        let n = function.blocks.len();
        let mut memory = Memory {
            slot_of: vec![None; function.values.len()],
            escaped: vec![false; function.slots.len()],
            written: Vec::with_capacity(n),
            span: vec![(0, 0); n],
        };
        for block in &cfg.order {
            memory.follow_addresses(&function.blocks[block.index()]);
        }
        let mut steps = vec![(BlockId(0), false)];
        while let Some((block, left)) = steps.pop() {
            if left {
                memory.span[block.index()].1 = memory.written.len() as u32;
                continue;
            }
            memory.span[block.index()].0 = memory.written.len() as u32;
            let mut regions = Vec::new();
            for inst in &function.blocks[block.index()].insts {
                memory.for_each_write(&inst.op, |r| regions.push(r));
            }
            regions.sort_unstable();
            regions.dedup();
            memory.written.push(regions);
            steps.push((block, true));
            steps.extend(children[block].iter().map(|child| (*child, false)));
        }
        memory
    }

    fn follow_addresses(&mut self, block: &Block) {
        for inst in &block.insts {
            match &inst.op {
                Op::Slot(s) => {
                    if let Some(v) = inst.result {
                        self.slot_of[v.index()] = Some(*s);
                    }
                }
                Op::Binary(BinOp::Add | BinOp::Sub, a, b) => {
                    let slot = self.slot_of[a.index()].or(self.slot_of[b.index()]);
                    if let (Some(v), Some(_)) = (inst.result, slot) {
                        self.slot_of[v.index()] = slot;
                    }
                }
                Op::Load { .. } | Op::Compare(..) => {}
                Op::Store { value, .. }
                | Op::AtomicAdd { value, .. }
                | Op::AtomicFetchAdd { value, .. } => self.escape(*value),
                Op::AtomicCompareExchange { expected, new, .. } => {
                    self.escape(*expected);
                    self.escape(*new);
                }
                // A helper is done with it when it returns, but for the one that calls back.
                Op::Helper(helper, _) if *helper != Helper::LOOP => {}
                op => op.for_each_use(|v| self.escape(v)),
            }
        }
        for target in block.term.targets() {
            target.args.iter().for_each(|v| self.escape(*v));
        }
    }

    fn escape(&mut self, v: Value) {
        if let Some(slot) = self.slot_of[v.index()] {
            self.escaped[slot.index()] = true;
        }
    }

    /// How many regions there are.
    pub fn regions(&self) -> usize {
        SLOTS as usize + self.escaped.len()
    }

    /// What a pointer points into.
    pub fn region(&self, pointer: Value) -> Region {
        match self.slot_of.get(pointer.index()) {
            Some(Some(slot)) if !self.escaped[slot.index()] => SLOTS + slot.0,
            _ => ELSEWHERE,
        }
    }

    /// Calls `f` with each region that an instruction may write.
    pub fn for_each_write(&self, op: &Op, mut f: impl FnMut(Region)) {
        match op {
            Op::Store { base, .. }
            | Op::AtomicAdd { base, .. }
            | Op::AtomicCompareExchange { base, .. }
            | Op::AtomicFetchAdd { base, .. } => f(self.region(*base)),
            Op::Call(..) | Op::CallKernel(_) | Op::Helper(Helper::LOOP, _) => {
                f(ELSEWHERE);
                f(KERNEL);
            }
            Op::Helper(helper, _) if helper.only_reads() => {}
            Op::Helper(helper, args) => match helper.writes_to() {
                Some((argument, more)) => {
                    f(self.region(args[argument]));
                    if more {
                        f(ELSEWHERE);
                    }
                }
                None => f(ELSEWHERE),
            },
            _ => {}
        }
    }

    /// What may have been written since the block that dominates this one, if there are several
    /// ways from there.
    pub fn since_dominator(&self, block: BlockId, cfg: &Cfg) -> Written {
        let preds = &cfg.preds[block];
        let dominator = match cfg.idom(block) {
            Some(dominator) if preds.len() > 1 => dominator,
            _ => return Written::Some(Vec::new()),
        };
        let (first, behind) = self.span[block.index()];
        let (above, end) = self.span[dominator.index()];
        if end - above > MOST_BLOCKS {
            return Written::Anything;
        }
        let again = preds.iter().any(|p| (first..behind).contains(&self.span[p.index()].0));
        // What it dominates itself lies on a way there only if that is a loop.
        let places = (above + 1..first).chain(if again { first..behind } else { behind..behind });
        let places = places.chain(behind..end);
        let mut regions: Vec<_> = places.flat_map(|n| &self.written[n as usize]).copied().collect();
        regions.sort_unstable();
        regions.dedup();
        Written::Some(regions)
    }
}
