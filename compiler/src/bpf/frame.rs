//! Where the memory of a function is.
//!
//! In: a function and how much stack its slots may take. Out: a [`Frame`] that gives
//! each slot a place on the stack or in scratch memory; and, for a program that needs
//! scratch memory, the function rewritten to look it up on entry.
//!
//! BPF has 512 bytes of stack for a whole chain of calls, which spilled registers need
//! too. What doesn't fit goes into one value of a per-CPU array, found once at the
//! program's entry. Slots that are never in use at the same time share their bytes:
//! the clauses of a script run one after the other, so a thousand of them need little
//! more than the greediest.

use super::Error;
use crate::ir::cfg::Cfg;
use crate::ir::{
    BinOp, Block, BlockId, Cond, Function, FunctionKind, Helper, Inst, MapId, Op, Place, Slot,
    SlotId, Target, Terminator, Type, UnOp, Value, Width,
};

/// Bytes of stack for a chain of calls.
pub const STACK: u32 = 512;

/// Where the scratch memory of a program comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An element of the per-CPU array that all programs share.
    Shared {
        /// Its index.
        element: u32,
    },
    /// An array of the program's own, with an element for each processor: of per-CPU memory
    /// the kernel gives out only so much at a time.
    Own,
}

impl Source {
    /// Bytes that can be had.
    fn limit(self) -> u32 {
        match self {
            Source::Shared { .. } => 32 << 10,
            Source::Own => 4 << 20,
        }
    }
}

/// Stack is handed out in units of a spilled register.
const UNIT: u32 = 8;

/// Where a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Nothing uses it.
    Nowhere,
    /// So many bytes above the frame pointer; negative.
    Stack(i32),
    /// So many bytes into the program's scratch memory.
    Scratch(u32),
}

/// Places of all slots.
#[derive(Debug, Default)]
pub struct Frame {
    /// By slot.
    pub places: Vec<Home>,
    /// Bytes of stack that slots take.
    pub stack: u32,
    /// Bytes of scratch memory.
    pub scratch: u32,
}

/// The blocks, by position in reverse postorder, from first to last use of a slot.
#[derive(Clone, Copy, Debug)]
struct Range {
    first: u32,
    last: u32,
}

/// Gives each slot a place. Slots that may be anywhere use at most `budget` bytes of
/// stack, those that must be on it at most `limit`.
pub fn place(function: &Function, budget: u32, limit: u32, source: Source) -> Result<Frame, Error> {
    let mut frame = Frame { places: vec![Home::Nowhere; function.slots.len()], ..Frame::default() };
    if function.slots.is_empty() {
        return Ok(frame);
    }
    let cfg = Cfg::new(function);
    let ranges = ranges(function, &cfg);
    let slots =
        || ranges.iter().enumerate().filter_map(|(i, r)| Some((i, function.slots[i], (*r)?)));
    let mut stack = Stack { used: vec![0; cfg.order.len()], frame: &mut frame };
    for (i, slot, range) in slots().filter(|(_, s, _)| s.place == Place::Stack) {
        if !stack.place(i, slot, range, limit) {
            let (function, size) = (function.name.clone(), slot.size);
            return Err(Error::StackFull { function, size });
        }
    }
    let mut small_first: Vec<_> = slots().filter(|(_, s, _)| s.place == Place::Any).collect();
    small_first.sort_by_key(|(i, s, _)| (s.size, *i));
    let mut rest: Vec<_> = slots().filter(|(_, s, _)| s.place == Place::Scratch).collect();
    let is_program = function.kind != FunctionKind::Subprogram;
    if !rest.is_empty() && !is_program {
        return Err(Error::ScratchInSubprogram { function: function.name.clone() });
    }
    for (i, slot, range) in small_first {
        if !stack.place(i, slot, range, budget.min(limit)) {
            if !is_program {
                let (function, size) = (function.name.clone(), slot.size);
                return Err(Error::StackFull { function, size });
            }
            rest.push((i, slot, range));
        }
    }
    place_in_scratch(&mut frame, rest);
    if frame.scratch > source.limit() {
        let (function, size, limit) = (function.name.clone(), frame.scratch, source.limit());
        return Err(Error::ScratchFull { function, size, limit });
    }
    Ok(frame)
}

/// By slot: from first to last use, or `None` if there is none.
fn ranges(function: &Function, cfg: &Cfg) -> Vec<Option<Range>> {
    let mut uses = Uses {
        slot_of: vec![None; function.values.len()],
        ranges: vec![None; function.slots.len()],
        held: Vec::new(),
        whole: Range { first: 0, last: cfg.order.len() as u32 - 1 },
    };
    for (position, block) in (0..).zip(&cfg.order) {
        let block = &function.blocks[block.index()];
        for inst in &block.insts {
            let is_pointer = |v: Value| function.values[v.index()] == Type::Ptr;
            uses.inst(position, inst, is_pointer);
        }
        // An address that flows into a parameter is followed no further.
        block.term.for_each_use(|v| uses.escape(v));
    }
    uses.follow_holders();
    let loops = loops(cfg);
    let mut ranges = uses.ranges;
    for range in ranges.iter_mut().flatten() {
        // What is used in a loop may be wanted in its next round.
        range.first = loops[range.first as usize].first.min(range.first);
        range.last = loops[range.last as usize].last.max(range.last);
    }
    ranges
}

struct Uses {
    /// By value: the slot that it points into.
    slot_of: Vec<Option<SlotId>>,
    ranges: Vec<Option<Range>>,
    /// Slots whose address was stored in another slot, which comes second.
    held: Vec<(SlotId, SlotId)>,
    whole: Range,
}

impl Uses {
    fn inst(&mut self, position: u32, inst: &Inst, is_pointer: impl Fn(Value) -> bool) {
        let derived = match &inst.op {
            Op::Slot(s) => Some(*s),
            Op::Binary(BinOp::Add | BinOp::Sub, a, b) => {
                self.slot_of[a.index()].or(self.slot_of[b.index()])
            }
            Op::Store { value, base, .. } => {
                match (self.slot_of[value.index()], self.slot_of[base.index()]) {
                    (Some(held), Some(holder)) => self.held.push((held, holder)),
                    _ => self.escape(*value),
                }
                None
            }
            // What comes out of memory may be the address of any slot that went in.
            Op::Load { base, .. } if inst.result.is_some_and(is_pointer) => {
                if let Some(holder) = self.slot_of[base.index()] {
                    self.held.push((holder, holder));
                }
                None
            }
            Op::AtomicCompareExchange { new, .. } => {
                self.escape(*new);
                None
            }
            // Helpers read through the number, wherever it goes.
            Op::Unary(UnOp::Address, address) => {
                self.escape(*address);
                None
            }
            _ => None,
        };
        if let (Some(v), Some(s)) = (inst.result, derived) {
            self.slot_of[v.index()] = Some(s);
        }
        inst.for_each_use(|v| {
            if let Some(s) = self.slot_of[v.index()] {
                let range =
                    self.ranges[s.index()].get_or_insert(Range { first: position, last: position });
                range.first = range.first.min(position);
                range.last = range.last.max(position);
            }
        });
    }

    /// A slot is in use as long as one that holds its address; wherever, once an address
    /// was loaded from that.
    fn follow_holders(&mut self) {
        let mut loaded = vec![false; self.ranges.len()];
        for (_, holder) in self.held.iter().filter(|(held, holder)| held == holder) {
            loaded[holder.index()] = true;
        }
        loop {
            let mut changed = false;
            for (held, holder) in &self.held {
                let Some(range) = self.ranges[holder.index()] else { continue };
                let wanted = if loaded[holder.index()] { self.whole } else { range };
                let range = self.ranges[held.index()].get_or_insert(wanted);
                let wider = Range {
                    first: range.first.min(wanted.first),
                    last: range.last.max(wanted.last),
                };
                changed |= (wider.first, wider.last) != (range.first, range.last);
                *range = wider;
            }
            if !changed {
                return;
            }
        }
    }

    /// The address goes where it is not followed: the slot is in use everywhere.
    fn escape(&mut self, v: Value) {
        if let Some(s) = self.slot_of[v.index()] {
            self.ranges[s.index()] = Some(self.whole);
        }
    }
}

/// By position: the outermost loop around it, or the position alone.
fn loops(cfg: &Cfg) -> Vec<Range> {
    let mut loops: Vec<_> =
        (0..cfg.order.len() as u32).map(|p| Range { first: p, last: p }).collect();
    let mut found = Vec::new();
    for (first, block) in (0..).zip(&cfg.order) {
        let back = cfg.preds[*block].iter().filter_map(|p| cfg.position[p.index()]).max();
        if let Some(last) = back.filter(|last| *last >= first) {
            found.push(Range { first, last });
        }
    }
    // In order of their first block; those that overlap count as one.
    let mut found = found.into_iter().peekable();
    while let Some(mut range) = found.next() {
        while let Some(next) = found.next_if(|next| next.first <= range.last) {
            range.last = range.last.max(next.last);
        }
        loops[range.first as usize..=range.last as usize].fill(range);
    }
    loops
}

/// The stack while it is handed out.
struct Stack<'a> {
    /// By position: the units in use there, one bit for each.
    used: Vec<u64>,
    frame: &'a mut Frame,
}

impl Stack<'_> {
    fn place(&mut self, index: usize, slot: Slot, range: Range, limit: u32) -> bool {
        let units = slot.size.div_ceil(UNIT).max(1);
        let limit = limit.min(STACK) / UNIT;
        if units > limit {
            return false;
        }
        let used = &mut self.used[range.first as usize..=range.last as usize];
        let taken = used.iter().fold(0, |all, u| all | *u);
        let mask = if units == 64 { u64::MAX } else { (1 << units) - 1 };
        let Some(at) = (0..=limit - units).find(|at| taken & (mask << at) == 0) else {
            return false;
        };
        used.iter_mut().for_each(|u| *u |= mask << at);
        let end = (at + units) * UNIT;
        self.frame.places[index] = Home::Stack(-(end as i32));
        self.frame.stack = self.frame.stack.max(end);
        true
    }
}

/// Gives the rest offsets in scratch memory, first fit in order of first use.
fn place_in_scratch(frame: &mut Frame, mut slots: Vec<(usize, Slot, Range)>) {
    slots.sort_by_key(|(i, _, range)| (range.first, *i));
    // (offset, end, last position) of what is in use, in order of offset.
    let mut active: Vec<(u32, u32, u32)> = Vec::new();
    for (i, slot, range) in slots {
        active.retain(|(_, _, last)| *last >= range.first);
        let size = slot.size.next_multiple_of(UNIT).max(UNIT);
        let mut at = 0;
        let mut index = 0;
        for (start, end, _) in &active {
            if at + size <= *start {
                break;
            }
            at = *end;
            index += 1;
        }
        active.insert(index, (at, at + size, range.last));
        frame.places[i] = Home::Scratch(at);
        frame.scratch = frame.scratch.max(at + size);
    }
}

/// Makes a program look up its scratch memory in `map` on entry and address its slots
/// there. The program returns 0 if the lookup fails, which it can't.
pub fn use_scratch(function: &mut Function, frame: &mut Frame, map: MapId, source: Source) {
    let value = |function: &mut Function, ty| {
        function.values.push(ty);
        Value(function.values.len() as u32 - 1)
    };
    let inst = |result, op| Inst { result, op, span: None };
    let [map_value, key_value, zero] =
        [Type::Ptr, Type::I64, Type::I64].map(|t| value(function, t));
    let [key_address, memory] = [Type::Ptr, Type::Ptr].map(|t| value(function, t));

    // The key is dead once the lookup is done: it may overlap any slot.
    function.slots.push(Slot { size: 4, align: 4, place: Place::Stack });
    let slot = SlotId(function.slots.len() as u32 - 1);
    frame.places.push(Home::Stack(-(UNIT as i32)));
    frame.stack = frame.stack.max(UNIT);

    address_scratch(function, frame, memory);
    let entry = std::mem::take(&mut function.blocks[0]);
    let rest = BlockId(function.blocks.len() as u32);
    function.blocks.push(entry);
    let fail = BlockId(function.blocks.len() as u32);
    function.blocks.push(Block { term: Terminator::Return(None), ..Block::default() });
    let to = |block| Target { block, args: Vec::new() };
    let width = Width::W32;
    let key = match source {
        Source::Shared { element } => Op::Const(element.into()),
        Source::Own => Op::Helper(Helper::GET_SMP_PROCESSOR_ID, Vec::new()),
    };
    function.blocks[0] = Block {
        params: Vec::new(),
        insts: vec![
            inst(Some(key_address), Op::Slot(slot)),
            inst(Some(key_value), key),
            inst(None, Op::Store { width, base: key_address, offset: 0, value: key_value }),
            inst(Some(map_value), Op::Map(map)),
            inst(Some(memory), Op::Helper(Helper::MAP_LOOKUP_ELEM, vec![map_value, key_address])),
            inst(Some(zero), Op::Const(0)),
        ],
        term: Terminator::Branch {
            cond: Cond::Ne,
            a: memory,
            b: zero,
            then: to(rest),
            otherwise: to(fail),
        },
    };
}

/// Replaces the addresses of slots in scratch memory by offsets from `memory`.
fn address_scratch(function: &mut Function, frame: &Frame, memory: Value) {
    let Function { blocks, values, .. } = function;
    let scratch = |op: &Op| match op {
        Op::Slot(s) => match frame.places[s.index()] {
            Home::Scratch(at) => Some(at),
            Home::Stack(_) | Home::Nowhere => None,
        },
        _ => None,
    };
    for block in blocks {
        if !block.insts.iter().any(|i| scratch(&i.op).is_some()) {
            continue;
        }
        let mut insts = Vec::with_capacity(block.insts.len() + 8);
        for mut inst in std::mem::take(&mut block.insts) {
            if let Some(at) = scratch(&inst.op) {
                values.push(Type::I64);
                let offset = Value(values.len() as u32 - 1);
                let op = Op::Const(at.into());
                insts.push(Inst { result: Some(offset), op, span: inst.span });
                inst.op = Op::Binary(BinOp::Add, memory, offset);
            }
            insts.push(inst);
        }
        block.insts = insts;
    }
}
