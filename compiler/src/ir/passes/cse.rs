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
//! - any other load, if nothing that writes memory lies between and control flow can't
//!   have come from elsewhere.

use crate::ir::cfg::Cfg;
use crate::ir::{Block, BlockId, Function, FunctionKind, Helper, Op, Terminator, Type, Value};
use rustc_hash::FxHashMap;

/// Eliminates common subexpressions of a function.
pub fn cse(function: &mut Function) {
    let cfg = Cfg::new(function);
    let context = match function.kind {
        FunctionKind::Program { .. } => function.params.first().copied(),
        FunctionKind::Subprogram => None,
    };
    let n = function.values.len();
    let mut walk = Walk {
        context,
        name: (0..n as u32).map(Value).collect(),
        version: vec![0; n],
        versions: 0,
        known: FxHashMap::default(),
        memory: vec![0; function.blocks.len()],
        memories: 0,
        storage: storage_states(function, &cfg),
    };
    let children = cfg.dominator_tree();
    // Up the tree again, what was added on the way down is taken back.
    let mut steps = vec![Step::Enter(BlockId(0))];
    while let Some(step) = steps.pop() {
        match step {
            Step::Forget(key, before) => match before {
                Some(v) => drop(walk.known.insert(key, v)),
                None => drop(walk.known.remove(&key)),
            },
            Step::Version(v, before) => walk.version[v.index()] = before,
            Step::Enter(b) => {
                let memory = match cfg.preds[b.index()][..] {
                    [pred] => walk.memory[pred.index()],
                    _ => walk.new_memory(),
                };
                walk.block(function, b, memory, &mut steps);
                steps.extend(children[b.index()].iter().map(|c| Step::Enter(*c)));
            }
        }
    }
}

/// What makes two instructions equal.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    op: Op,
    ty: Type,
    /// State of the memory that it reads; 0 if it reads none that changes.
    memory: u32,
    /// Versions of the first two operands, the only ones that are compared.
    versions: [u32; 2],
}

enum Step {
    Enter(BlockId),
    Forget(Key, Option<Value>),
    Version(Value, u32),
}

struct Walk {
    context: Option<Value>,
    /// By value: the equal one that takes its place.
    name: Vec<Value>,
    /// By value: changes with each branch on it.
    version: Vec<u32>,
    versions: u32,
    known: FxHashMap<Key, Value>,
    /// By block: the state of memory at its end.
    memory: Vec<u32>,
    memories: u32,
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
        let mut before = cfg.preds[block.index()].iter().map(|p| ends[p.index()]);
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
    fn new_memory(&mut self) -> u32 {
        self.memories += 1;
        self.memories
    }

    fn block(&mut self, function: &mut Function, b: BlockId, memory: u32, steps: &mut Vec<Step>) {
        let mut memory = memory;
        let mut storage = self.storage[b.index()];
        let Function { blocks, values, .. } = function;
        let Block { insts, term, .. } = &mut blocks[b.index()];
        insts.retain_mut(|inst| {
            inst.op.map_uses(|v| *v = self.name[v.index()]);
            if writes_memory(&inst.op) {
                memory = self.new_memory();
            }
            let made = makes_storage(&inst.op);
            if made {
                storage = storage_state(inst.result);
            }
            let Some(result) = inst.result else { return true };
            if made && let Op::Helper(Helper::TASK_STORAGE_GET, args) = &inst.op {
                // A look-up from here on finds just this.
                let args = vec![args[0], args[1], args[2], args[2]];
                let look_up = Op::Helper(Helper::TASK_STORAGE_GET, args);
                if let Some(key) = self.key(&look_up, Type::Ptr, memory, storage) {
                    let before = self.known.insert(key.clone(), result);
                    steps.push(Step::Forget(key, before));
                }
                return true;
            }
            let Some(key) = self.key(&inst.op, values[result.index()], memory, storage) else {
                return true;
            };
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
        self.memory[b.index()] = memory;
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

    fn key(&self, op: &Op, ty: Type, memory: u32, storage: u32) -> Option<Key> {
        let memory = match op {
            Op::Helper(Helper::TASK_STORAGE_GET, _) => storage,
            Op::Helper(helper, _) => {
                if !helper.is_fixed() {
                    return None;
                }
                0
            }
            Op::Load { base, .. } if Some(*base) == self.context => 0,
            Op::Load { .. } => memory,
            op if op.is_pure() => 0,
            _ => return None,
        };
        let mut operands = Vec::new();
        op.for_each_use(|v| operands.push(self.version[v.index()]));
        let version = |i: usize| operands.get(i).copied().unwrap_or(0);
        Some(Key { op: op.clone(), ty, memory, versions: [version(0), version(1)] })
    }
}

fn writes_memory(op: &Op) -> bool {
    match op {
        Op::Store { .. }
        | Op::AtomicAdd { .. }
        | Op::AtomicCompareExchange { .. }
        | Op::AtomicFetchAdd { .. }
        | Op::Call(..)
        | Op::CallKernel(_) => true,
        Op::Helper(helper, _) => !helper.only_reads(),
        _ => false,
    }
}
