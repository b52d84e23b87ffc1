//! Machine instructions before registers are assigned.
//!
//! In: made by `select`. Out: what the register allocator needs to know of them
//! (operands, clobbers, flow) and what `emit` needs to encode them. An instruction
//! here may become several in BPF or none.

use super::RelocationTarget;
use crate::ir::{Cond, SlotId, Width};
use regalloc2::{Block, Operand, PReg, PRegSet, RegClass, VReg};
use strand_grammar::source::Span;

/// A physical register.
pub fn preg(n: u8) -> PReg {
    PReg::new(n.into(), RegClass::Int)
}

/// A virtual register.
pub fn vreg(n: usize) -> VReg {
    VReg::new(n, RegClass::Int)
}

/// A function in machine instructions.
#[derive(Debug, Default)]
pub struct MachFunction {
    /// Of all blocks, in order.
    pub insts: Vec<MachInst>,
    /// Operands of all instructions; each has a range here.
    pub operands: Vec<Operand>,
    /// In the order in which they are laid out; the first is the entry.
    pub blocks: Vec<MachBlock>,
    /// How many virtual registers there are.
    pub vregs: usize,
}

/// A basic block.
#[derive(Debug, Default)]
pub struct MachBlock {
    /// First instruction.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// Where it may go.
    pub succs: Vec<Block>,
    /// Where it may come from.
    pub preds: Vec<Block>,
    /// Its parameters.
    pub params: Vec<VReg>,
    /// Arguments for the one successor of a jump; branches carry none.
    pub args: Vec<VReg>,
}

/// An instruction.
#[derive(Debug)]
pub struct MachInst {
    /// What it does.
    pub kind: Kind,
    /// Where its operands start.
    pub operands: u32,
    /// How many they are.
    pub operand_count: u8,
    /// The D text that it stands for.
    pub span: Option<Span>,
}

/// A place in memory: a register operand or the frame, and an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The slot, or `None` if the base is the first operand.
    pub slot: Option<SlotId>,
    /// Added to it.
    pub off: i32,
}

/// The second operand of arithmetic or a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The next register operand.
    Reg,
    /// A number.
    Imm(i32),
    /// A number that CO-RE relocates.
    Relocated(i32, RelocationTarget),
}

/// What an instruction does. Operands are named in order; a result comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The parameters arrive; defines them.
    Params,
    /// `a → r`
    Move,
    /// `a → r`, the upper half zero.
    Move32,
    /// `→ r`: a number.
    Number(i64),
    /// `→ r`: the number of this instruction, for a fault site.
    FaultPc(u32),
    /// `→ r`: a number that CO-RE relocates.
    Relocated(i32, RelocationTarget),
    /// `→ r`: an address that the loader fills in.
    Symbol(RelocationTarget),
    /// `→ r`: an address in the frame.
    FrameAddress(SlotId, i32),
    /// `a (b) → r`, the result in the register of `a`; the code is one of `insn::alu`.
    Alu(u8, Source),
    /// `a → r`, in place.
    Negate,
    /// `a → r`, in place: so many low bits with their bytes reversed.
    ByteSwap(i32),
    /// `(base) → r`
    Load(Width, Address, Option<RelocationTarget>),
    /// `(base) value`
    Store(Width, Address),
    /// `(base)`
    StoreImm(Width, Address, i32),
    /// `(base) value`
    AtomicAdd(Width, Address),
    /// `(base) value → r`, the result in the register of the value.
    AtomicFetchAdd(Width, Address),
    /// `(base) new expected → r`, the last two in register 0.
    AtomicCompareExchange(Width, Address),
    /// `a (b) → r`: 1 or 0.
    SetIf(Cond, Source),
    /// `args → (r)`
    CallHelper(u32),
    /// `args → (r)`
    CallFunction(RelocationTarget),
    /// To the only successor.
    Jump,
    /// `a (b) → (a') (b')`: to the first successor if it holds, else to the second.
    Branch(Cond, Source),
    /// `r0`
    Return,
}

impl MachFunction {
    /// The operands of an instruction.
    pub fn operands(&self, inst: &MachInst) -> &[Operand] {
        let start = inst.operands as usize;
        &self.operands[start..start + usize::from(inst.operand_count)]
    }

    /// The registers whose content an instruction destroys without defining them.
    pub fn clobbers(&self, inst: &MachInst) -> PRegSet {
        let mut set = PRegSet::empty();
        if matches!(inst.kind, Kind::CallHelper(_) | Kind::CallFunction(_)) {
            let defines =
                self.operands(inst).iter().any(|o| o.kind() == regalloc2::OperandKind::Def);
            for n in u8::from(defines)..=5 {
                set.add(preg(n));
            }
        }
        set
    }
}
