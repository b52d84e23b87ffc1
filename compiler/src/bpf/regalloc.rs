//! Assigns registers.
//!
//! In: a [`MachFunction`]. Out: regalloc2's moves and the place of each operand. Ten
//! registers: those that calls destroy are taken first, so that r6 to r9 are left for
//! what lives across calls.

use super::Error;
use super::mach::{Kind, MachFunction, preg};
use regalloc2::{
    Block, Function, Inst, InstRange, MachineEnv, Operand, Output, PRegSet, RegClass,
    RegallocOptions, VReg,
};

/// The allocator's view of a function.
pub struct View<'a>(pub &'a MachFunction);

/// Assigns registers; in debug builds an independent checker proves the result.
pub fn allocate(function: &MachFunction) -> Result<Output, Error> {
    let view = View(function);
    let env = environment();
    let options = RegallocOptions { validate_ssa: cfg!(debug_assertions), ..Default::default() };
    let output =
        regalloc2::run(&view, &env, &options).map_err(|e| Error::Allocation(format!("{e:?}")))?;
    if cfg!(debug_assertions) {
        let mut checker = regalloc2::checker::Checker::new(&view, &env);
        checker.prepare(&output);
        checker.run().map_err(|e| Error::Allocation(format!("{e:?}")))?;
    }
    Ok(output)
}

fn environment() -> MachineEnv {
    let registers = |range: std::ops::RangeInclusive<u8>| range.map(preg).collect::<PRegSet>();
    let none = PRegSet::empty();
    MachineEnv {
        preferred_regs_by_class: [registers(0..=5), none, none],
        non_preferred_regs_by_class: [registers(6..=9), none, none],
        scratch_by_class: [None; 3],
        fixed_stack_slots: Vec::new(),
    }
}

impl Function for View<'_> {
    fn num_insts(&self) -> usize {
        self.0.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.0.blocks.len()
    }

    fn entry_block(&self) -> Block {
        Block::new(0)
    }

    fn block_insns(&self, block: Block) -> InstRange {
        let b = &self.0.blocks[block.index()];
        InstRange::new(Inst::new(b.start as usize), Inst::new(b.end as usize))
    }

    fn block_succs(&self, block: Block) -> &[Block] {
        &self.0.blocks[block.index()].succs
    }

    fn block_preds(&self, block: Block) -> &[Block] {
        &self.0.blocks[block.index()].preds
    }

    fn block_params(&self, block: Block) -> &[VReg] {
        &self.0.blocks[block.index()].params
    }

    fn is_ret(&self, insn: Inst) -> bool {
        self.0.insts[insn.index()].kind == Kind::Return
    }

    fn is_branch(&self, insn: Inst) -> bool {
        matches!(self.0.insts[insn.index()].kind, Kind::Jump | Kind::Branch(..))
    }

    fn branch_blockparams(&self, block: Block, _: Inst, _: usize) -> &[VReg] {
        &self.0.blocks[block.index()].args
    }

    fn inst_operands(&self, insn: Inst) -> &[Operand] {
        self.0.operands(&self.0.insts[insn.index()])
    }

    fn inst_clobbers(&self, insn: Inst) -> PRegSet {
        self.0.clobbers(&self.0.insts[insn.index()])
    }

    fn num_vregs(&self) -> usize {
        self.0.vregs
    }

    fn spillslot_size(&self, _: RegClass) -> usize {
        1
    }
}
