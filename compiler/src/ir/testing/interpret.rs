//! Runs IR.
//!
//! In: a module, a function of it, arguments, a [`World`]. Out: the result. Straight
//! from the documentation of [`Op`], with no thought of speed.

use super::world::World;
use crate::ir::{
    BlockId, Function, FunctionId, Helper, Module, Offset, Op, Terminator, Value, Width,
};

/// Instructions that a run may take; a generated program stays far below.
const FUEL: u32 = 1_000_000;

/// Runs a function.
pub fn run(module: &Module, world: &mut World, function: FunctionId, args: &[u64]) -> u64 {
    Interpreter { module, world, fuel: FUEL }.call(function, args)
}

struct Interpreter<'a> {
    module: &'a Module,
    world: &'a mut World,
    fuel: u32,
}

struct Frame<'a> {
    function: &'a Function,
    values: Vec<Option<u64>>,
    slots: Vec<u64>,
}

impl Frame<'_> {
    fn get(&self, v: Value) -> u64 {
        self.values[v.index()].unwrap_or_else(|| panic!("{v} is undefined"))
    }

    fn all(&self, args: &[Value]) -> Vec<u64> {
        args.iter().map(|v| self.get(*v)).collect()
    }
}

impl Interpreter<'_> {
    fn call(&mut self, id: FunctionId, args: &[u64]) -> u64 {
        let function = &self.module.functions[id.index()];
        let mut frame = Frame {
            function,
            values: vec![None; function.values.len()],
            // What isn't written must not matter.
            slots: function
                .slots
                .iter()
                .map(|s| self.world.add(vec![0xa5; s.size as usize]))
                .collect(),
        };
        for (p, a) in function.params.iter().zip(args) {
            frame.values[p.index()] = Some(*a);
        }
        let mut block = BlockId(0);
        let result = loop {
            for inst in &function.blocks[block.index()].insts {
                self.fuel -= 1;
                let result = self.op(&mut frame, &inst.op);
                if let Some(v) = inst.result {
                    frame.values[v.index()] = result;
                }
            }
            let target = match &function.blocks[block.index()].term {
                Terminator::Missing => panic!("a block without end"),
                Terminator::Return(v) => break v.map_or(0, |v| frame.get(v)),
                Terminator::Jump(t) => t,
                Terminator::Branch { cond, a, b, then, otherwise } => {
                    let holds = cond.holds(frame.get(*a) as i64, frame.get(*b) as i64);
                    if holds { then } else { otherwise }
                }
            };
            let args = frame.all(&target.args);
            block = target.block;
            for (p, a) in frame.function.blocks[block.index()].params.iter().zip(args) {
                frame.values[p.index()] = Some(a);
            }
        };
        frame.slots.iter().for_each(|at| self.world.remove(*at));
        result
    }

    fn op(&mut self, f: &mut Frame<'_>, op: &Op) -> Option<u64> {
        let at = |base: &Value, off: i32| f.get(*base).wrapping_add(i64::from(off) as u64);
        let world = &mut *self.world;
        Some(match op {
            Op::Const(n) => *n as u64,
            Op::Binary(op, a, b) => op.eval(f.get(*a) as i64, f.get(*b) as i64) as u64,
            Op::Unary(op, a) => op.eval(f.get(*a) as i64) as u64,
            Op::Compare(cond, a, b) => cond.holds(f.get(*a) as i64, f.get(*b) as i64).into(),
            Op::Load { width, signed, base, offset } => {
                let off = match offset {
                    Offset::Bytes(n) => *n,
                    Offset::Field(field) => self.module.fields[field.index()].offset as i32,
                };
                let raw = world.load(*width, at(base, off));
                match (signed, width) {
                    (true, Width::W8) => raw as i8 as u64,
                    (true, Width::W16) => raw as i16 as u64,
                    (true, Width::W32) => raw as i32 as u64,
                    _ => raw,
                }
            }
            Op::Store { width, base, offset, value } => {
                world.store(*width, at(base, *offset), f.get(*value));
                return None;
            }
            Op::AtomicAdd { width, base, offset, value }
            | Op::AtomicFetchAdd { width, base, offset, value } => {
                let at = at(base, *offset);
                let old = world.load(*width, at);
                world.store(*width, at, old.wrapping_add(f.get(*value)));
                old
            }
            Op::AtomicCompareExchange { width, base, offset, expected, new } => {
                let at = at(base, *offset);
                let old = world.load(*width, at);
                let mask = if *width == Width::W32 { u64::from(u32::MAX) } else { u64::MAX };
                if old == f.get(*expected) & mask {
                    world.store(*width, at, f.get(*new));
                }
                old
            }
            Op::FieldInfo(field, info) => self.module.fields[field.index()].info(*info) as u64,
            Op::Map(m) => World::map(m.index()),
            Op::Rodata(n) => world.rodata + u64::from(*n),
            Op::Bss(n) => world.bss + u64::from(*n),
            Op::FaultPc(_) => 0,
            Op::Slot(s) => f.slots[s.index()],
            Op::Function(g) => World::function(g.index()),
            // A kernel that has none.
            Op::KernelFunction(_) => 0,
            Op::CallKernel(_) => return None,
            Op::Helper(Helper::LOOP, args) => {
                let args = f.all(args);
                self.repeat(&args)
            }
            Op::Helper(helper, args) => world.helper(*helper, &f.all(args)),
            Op::Call(g, args) => {
                let args = f.all(args);
                self.call(*g, &args)
            }
        })
    }

    fn repeat(&mut self, args: &[u64]) -> u64 {
        let callback = FunctionId(World::function_at(args[1]) as u32);
        for i in 0..args[0] {
            if self.call(callback, &[i, args[2]]) != 0 {
                return i + 1;
            }
        }
        args[0]
    }
}
