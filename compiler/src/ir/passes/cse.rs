//! Computes each thing once.
//!
//! Walks down the dominator tree and replaces an instruction by an equal one that
//! dominates it. Equal means:
//! - the same pure operation on the same operands, with no branch on one of them in
//!   between: behind a bounds check the verifier knows more of the operand, and a value
//!   computed before the check lacks that knowledge;
//! - a helper whose answer doesn't change while a program runs;
//! - the look-up of what the kernel keeps for a thread, unless that may have been made in
//!   between; where it was made, that is the answer;
//! - a load from a program's context, which nothing writes;
//! - any other load, if nothing on any way between may write there ([`super::memory`]);
//! - the look-up of an element, if neither its key nor anything outside of the function's own
//!   memory may be written in between. Then what is loaded from it is equal, too, so that in
//!   place of an element that is gone meanwhile no other is read.
//!
//! A store that finds in its slot what it would write is dropped: the key of a map that is
//! looked up again is there already. So it is where the key's parts were read of the kernel anew:
//! to keep such a number would take as much as to read it, but what was made of it is there.

use super::memory::{ELSEWHERE, KERNEL, Memory, Region, Written};
use crate::ir::cfg::Cfg;
use crate::ir::{
    BinOp, Block, BlockId, Function, FunctionKind, Helper, Offset, Op, Terminator, Type, Value,
    Width,
};
use rustc_hash::FxHashMap;

/// Eliminates common subexpressions of a function.
pub fn cse(function: &mut Function) {
    let cfg = Cfg::new(function);
    let context = match function.kind {
        FunctionKind::Program { .. } => function.params.first().copied(),
        FunctionKind::Subprogram => None,
    };
    let n = function.values.len();
    let children = cfg.dominator_tree();
    let memory = Memory::new(function, &cfg, &children);
    let mut walk = Walk {
        context,
        states: vec![State::default(); memory.regions()],
        memory,
        defs: Defs::default(),
        written: 0,
        anything: 0,
        name: (0..n as u32).map(Value).collect(),
        alike: (0..n as u32).map(Value).collect(),
        version: vec![0; n],
        versions: 0,
        known: FxHashMap::default(),
        storage: storage_states(function, &cfg),
    };
    // Up the tree again, what was added on the way down is taken back.
    let mut steps = vec![Step::Enter(BlockId(0))];
    while let Some(step) = steps.pop() {
        match step {
            Step::Forget(key, before) => match before {
                Some(v) => drop(walk.known.insert(key, v)),
                None => drop(walk.known.remove(&key)),
            },
            Step::Version(v, before) => walk.version[v.index()] = before,
            Step::State(region, before) => walk.states[region as usize] = before,
            Step::Anything(before) => walk.anything = before,
            Step::Enter(b) => {
                match walk.memory.since_dominator(b, &cfg) {
                    Written::Some(regions) => {
                        regions.iter().for_each(|r| walk.write(*r, &mut steps));
                    }
                    Written::Anything => walk.write_anything(&mut steps),
                }
                walk.block(function, b, &mut steps);
                steps.extend(children[b].iter().map(|c| Step::Enter(*c)));
            }
        }
    }
}

/// What makes two instructions equal.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    op: Op,
    ty: Type,
    /// States of the memory that it reads; 0 if it reads none that changes.
    memory: [u32; 2],
    /// Versions of the first two operands, the only ones that are compared.
    versions: [u32; 2],
}

enum Step {
    Enter(BlockId),
    Forget(Key, Option<Value>),
    Version(Value, u32),
    State(Region, State),
    Anything(u32),
}

/// What is known of a region of memory.
#[derive(Clone, Default)]
struct State {
    /// Changes with each write.
    version: u32,
    /// If it is a slot: what stores have left there.
    stored: Vec<Stored>,
}

/// What a store has left in a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stored {
    offset: i64,
    width: Width,
    value: Value,
}

impl Stored {
    fn overlaps(&self, other: &Stored) -> bool {
        let end = |s: &Stored| s.offset + i64::from(s.width.bytes());
        self.offset < end(other) && other.offset < end(self)
    }
}

/// Stores that are remembered of a slot: a key has few parts.
const MOST_STORED: usize = 16;

struct Walk {
    context: Option<Value>,
    /// By value: the equal one that takes its place.
    name: Vec<Value>,
    /// By value: the first that was read of the same field of the kernel, which it stands for in
    /// what is known of slots.
    alike: Vec<Value>,
    /// By value: changes with each branch on it.
    version: Vec<u32>,
    versions: u32,
    known: FxHashMap<Key, Value>,
    memory: Memory,
    defs: Defs,
    /// By region.
    states: Vec<State>,
    /// The last version given to a state.
    written: u32,
    /// The version since when any region may have changed.
    anything: u32,
    /// By block: the state of the thread's storage at its beginning.
    storage: Vec<u32>,
}

/// Look-ups of a thread's storage have the arguments map, thread, initial value (0) and flags (0).
/// One with other flags makes it where it isn't there.
fn makes_storage(op: &Op) -> bool {
    match op {
        Op::Helper(Helper::TASK_STORAGE_GET, args) => args[2] != args[3],
        // A loop's body may do so. Subprograms that are called never do.
        Op::Helper(Helper::TASK_STORAGE_DELETE | Helper::LOOP, _) => true,
        _ => false,
    }
}

/// By block: which instruction was the last that may have made the thread's storage, by its
/// result, when the block begins; a number of its own where that depends on the way there.
fn storage_states(function: &Function, cfg: &Cfg) -> Vec<u32> {
    const NONE: u32 = 0;
    const JOIN: u32 = 1 << 31;
    let mut ends: Vec<Option<u32>> = vec![None; function.blocks.len()];
    let mut begins = vec![NONE; function.blocks.len()];
    for block in &cfg.order {
        let mut before = cfg.preds[*block].iter().map(|p| ends[p.index()]);
        begins[block.index()] = match before.next() {
            None => NONE,
            Some(Some(first)) if before.all(|other| other == Some(first)) => first,
            Some(_) => JOIN | block.0,
        };
        let made = function.blocks[block.index()].insts.iter().rev().find(|i| makes_storage(&i.op));
        ends[block.index()] =
            Some(made.map_or(begins[block.index()], |inst| storage_state(inst.result)));
    }
    begins
}

/// The state behind an instruction that may make storage.
fn storage_state(result: Option<Value>) -> u32 {
    1 + result.map_or(0, |v| v.0)
}

impl Walk {
    /// The region's state is another one from here on.
    fn write(&mut self, region: Region, steps: &mut Vec<Step>) {
        self.written += 1;
        let new = State { version: self.written, stored: Vec::new() };
        let before = std::mem::replace(&mut self.states[region as usize], new);
        steps.push(Step::State(region, before));
    }

    fn write_anything(&mut self, steps: &mut Vec<Step>) {
        self.written += 1;
        steps.push(Step::Anything(self.anything));
        self.anything = self.written;
    }

    fn version_of(&self, region: Region) -> u32 {
        self.states[region as usize].version.max(self.anything)
    }

    /// Notes what a store does. False if it does nothing, since that is there already.
    fn store(&mut self, op: &Op, steps: &mut Vec<Step>) -> bool {
        let Op::Store { width, base, offset, value } = op else { return true };
        let region = self.memory.region(*base);
        let place = self.defs.offset(*base).and_then(|n| n.checked_add(i64::from(*offset)));
        let (Some(offset), true) = (place, region != ELSEWHERE) else {
            self.write(region, steps);
            return true;
        };
        let new = Stored { offset, width: *width, value: self.alike[value.index()] };
        let state = &self.states[region as usize];
        let valid = state.version >= self.anything;
        if valid && state.stored.contains(&new) {
            return false;
        }
        let mut stored = if valid { state.stored.clone() } else { Vec::new() };
        stored.retain(|s| !s.overlaps(&new));
        if stored.len() < MOST_STORED {
            stored.push(new);
        }
        self.write(region, steps);
        self.states[region as usize].stored = stored;
        true
    }

    fn block(&mut self, function: &mut Function, b: BlockId, steps: &mut Vec<Step>) {
        let mut storage = self.storage[b.index()];
        let Function { blocks, values, .. } = function;
        let Block { insts, term, .. } = &mut blocks[b.index()];
        insts.retain_mut(|inst| {
            inst.op.map_uses(|v| *v = self.name[v.index()]);
            if let (Some(v), op) = (inst.result, &inst.op) {
                self.defs.note(v, op);
            }
            if matches!(inst.op, Op::Store { .. }) {
                return self.store(&inst.op, steps);
            }
            let mut regions = Vec::new();
            self.memory.for_each_write(&inst.op, |r| regions.push(r));
            regions.into_iter().for_each(|r| self.write(r, steps));
            let made = makes_storage(&inst.op);
            if made {
                storage = storage_state(inst.result);
            }
            let Some(result) = inst.result else { return true };
            if made && let Op::Helper(Helper::TASK_STORAGE_GET, args) = &inst.op {
                // A look-up from here on finds just this.
                let args = vec![args[0], args[1], args[2], args[2]];
                let look_up = Op::Helper(Helper::TASK_STORAGE_GET, args);
                if let Some(key) = self.key(&look_up, Type::Ptr, storage) {
                    let before = self.known.insert(key.clone(), result);
                    steps.push(Step::Forget(key, before));
                }
                return true;
            }
            let Some(key) = self.key(&inst.op, values[result.index()], storage) else {
                return true;
            };
            self.note_alike(&inst.op, result, &key, steps);
            match self.known.get(&key) {
                Some(equal) => {
                    self.name[result.index()] = *equal;
                    false
                }
                None => {
                    let before = self.known.insert(key.clone(), result);
                    steps.push(Step::Forget(key, before));
                    true
                }
            }
        });
        term.map_uses(|v| *v = self.name[v.index()]);
        if let Terminator::Branch { a, b, .. } = term {
            for v in [*a, *b] {
                if values[v.index()] == Type::I64 {
                    self.versions += 1;
                    steps.push(Step::Version(v, self.version[v.index()]));
                    self.version[v.index()] = self.versions;
                }
            }
        }
    }

    /// Finds out what a number that is read of the kernel is like.
    fn note_alike(&mut self, op: &Op, result: Value, key: &Key, steps: &mut Vec<Step>) {
        let Op::Load { offset: Offset::Field(_), .. } = op else { return };
        // No region has this number, so that no other key is this one.
        let memory = [self.version_of(KERNEL), u32::MAX];
        let key = Key { memory, ..key.clone() };
        match self.known.get(&key) {
            Some(first) => self.alike[result.index()] = *first,
            None => {
                self.known.insert(key.clone(), result);
                steps.push(Step::Forget(key, None));
            }
        }
    }

    fn key(&self, op: &Op, ty: Type, storage: u32) -> Option<Key> {
        let memory = match op {
            Op::Helper(Helper::TASK_STORAGE_GET, _) => [storage, 0],
            Op::Helper(Helper::MAP_LOOKUP_ELEM, args) => {
                [self.version_of(ELSEWHERE), self.version_of(self.memory.region(args[1]))]
            }
            Op::Helper(helper, _) => {
                if !helper.is_fixed() {
                    return None;
                }
                [0, 0]
            }
            Op::Load { base, .. } if Some(*base) == self.context => [0, 0],
            Op::Load { base, .. } => [self.version_of(self.memory.region(*base)), 0],
            op if op.is_pure() => [0, 0],
            _ => return None,
        };
        let mut operands = Vec::new();
        op.for_each_use(|v| operands.push(self.version[v.index()]));
        let version = |i: usize| operands.get(i).copied().unwrap_or(0);
        Some(Key { op: op.clone(), ty, memory, versions: [version(0), version(1)] })
    }
}

/// How far into its slot an address points, as far as that is constant.
#[derive(Default)]
struct Defs {
    /// By value: the number that it is, or that many bytes into a slot.
    numbers: FxHashMap<Value, i64>,
}

impl Defs {
    fn note(&mut self, v: Value, op: &Op) {
        let number = match op {
            Op::Const(n) => Some(*n),
            Op::Slot(_) => Some(0),
            Op::Binary(BinOp::Add, a, b) => {
                self.offset(*a).and_then(|a| a.checked_add(self.offset(*b)?))
            }
            _ => None,
        };
        if let Some(n) = number {
            self.numbers.insert(v, n);
        }
    }

    fn offset(&self, v: Value) -> Option<i64> {
        self.numbers.get(&v).copied()
    }
}
