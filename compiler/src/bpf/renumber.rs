//! The order of virtual registers.
//!
//! In: a [`MachFunction`] of any size. Out: the same with its virtual registers numbered anew, if
//! it has many blocks: those that live in many of them come last. The allocator goes through
//! virtual registers in order, and keeps a table of blocks that it clears for each: once one of
//! them has made it large, each clearing takes as long as the function is. Numbered like this the
//! table is small for nearly all.

use super::mach::{MachFunction, vreg};
use regalloc2::{Operand, VReg};

/// With fewer blocks it doesn't matter.
const MANY_BLOCKS: usize = 1024;

/// Distance in blocks between the first and the last place where a register is used.
const FAR: u32 = 64;

/// Does it.
pub fn renumber(function: &mut MachFunction) {
    if function.blocks.len() < MANY_BLOCKS {
        return;
    }
    let reach = reach(function);
    let mut order: Vec<usize> = (0..function.vregs).collect();
    order.sort_by_key(|v| reach[*v] > FAR);
    let mut numbers = vec![0; function.vregs];
    for (new, old) in order.into_iter().enumerate() {
        numbers[old] = new;
    }
    let renamed = |v: VReg| vreg(numbers[v.vreg()]);
    for o in &mut function.operands {
        *o = Operand::new(renamed(o.vreg()), o.constraint(), o.kind(), o.pos());
    }
    for block in &mut function.blocks {
        for v in block.params.iter_mut().chain(&mut block.args) {
            *v = renamed(*v);
        }
    }
}

/// By register: that distance.
fn reach(function: &MachFunction) -> Vec<u32> {
    let mut ends: Vec<Option<(u32, u32)>> = vec![None; function.vregs];
    for (n, block) in (0..).zip(&function.blocks) {
        let insts = &function.insts[block.start as usize..block.end as usize];
        let operands = insts.iter().flat_map(|i| function.operands(i)).map(|o| o.vreg());
        let all = operands.chain(block.params.iter().chain(&block.args).copied());
        for v in all {
            let (first, _) = ends[v.vreg()].unwrap_or((n, n));
            ends[v.vreg()] = Some((first, n));
        }
    }
    ends.into_iter().map(|e| e.map_or(0, |(first, last)| last - first)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bpf::mach::{Kind, MachBlock, MachInst};

    /// A register that is defined in the first block and used in each of many, which have one of
    /// their own each.
    fn long() -> MachFunction {
        let mut f = MachFunction { vregs: MANY_BLOCKS + 1, ..MachFunction::default() };
        for n in 0..MANY_BLOCKS {
            let start = f.insts.len() as u32;
            let operands = f.operands.len() as u32;
            let own = Operand::reg_def(vreg(n + 1));
            let shared = if n == 0 { Operand::reg_def(vreg(0)) } else { Operand::reg_use(vreg(0)) };
            f.operands.extend([shared, own]);
            let inst = MachInst { kind: Kind::Move, operands, operand_count: 2, span: None };
            f.insts.push(inst);
            let end = f.insts.len() as u32;
            f.blocks.push(MachBlock {
                start,
                end,
                args: vec![vreg(n + 1)],
                ..MachBlock::default()
            });
        }
        f
    }

    #[test]
    fn what_lives_long_comes_last() {
        let mut f = long();
        renumber(&mut f);
        let numbers = |n: usize| f.operands(&f.insts[n]).iter().map(|o| o.vreg().vreg());
        assert_eq!(numbers(0).collect::<Vec<_>>(), [MANY_BLOCKS, 0]);
        assert_eq!(numbers(5).collect::<Vec<_>>(), [MANY_BLOCKS, 5]);
        assert_eq!(f.blocks[5].args, [vreg(5)]);
    }
}
