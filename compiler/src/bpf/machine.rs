//! Runs BPF instructions as the kernel does, in a test's [`World`].
//!
//! In: compiled functions. Out: the result of one. Registers that a call destroys are
//! filled with rubbish, and the stack ends where the back end says that it does.

use super::insn::{Insn, SOURCE_REG, alu, atomic, class, jump, pseudo};
use super::{Code, FunctionCode, RelocationTarget};
use crate::ir::testing::world::World;
use crate::ir::{Helper, Width};

const FUEL: u32 = 1_000_000;
const RUBBISH: u64 = 0xdead_beef_dead_beef;

/// Runs a function.
pub fn run(code: &Code, world: &mut World, function: usize, args: &[u64]) -> u64 {
    Machine { code, world, fuel: FUEL }.call(function, args)
}

struct Machine<'a> {
    code: &'a Code,
    world: &'a mut World,
    fuel: u32,
}

impl Machine<'_> {
    fn call(&mut self, index: usize, args: &[u64]) -> u64 {
        let function = &self.code.functions[index];
        let stack = self.world.add(vec![0x5a; function.stack as usize]);
        let mut regs = [RUBBISH; 11];
        regs[1..=args.len()].copy_from_slice(args);
        regs[10] = stack + u64::from(function.stack);
        let mut at = 0usize;
        loop {
            self.fuel -= 1;
            let insn = function.insns[at];
            at += 1;
            match insn.code & 7 {
                class::LD => {
                    regs[usize::from(insn.dst)] = self.wide(function, at - 1);
                    at += 1;
                }
                class::LDX => {
                    let from = address(&regs, insn.src, insn.off);
                    regs[usize::from(insn.dst)] = self.world.load(width(insn), from);
                }
                class::ST => {
                    let to = address(&regs, insn.dst, insn.off);
                    self.world.store(width(insn), to, i64::from(insn.imm) as u64);
                }
                class::STX => self.store(&mut regs, insn),
                class::ALU | class::ALU64 => arithmetic(&mut regs, insn),
                _ => match insn.code & 0xf0 {
                    jump::EXIT => {
                        self.world.remove(stack);
                        return regs[0];
                    }
                    jump::CALL => {
                        let args = [1, 2, 3, 4, 5].map(|r| regs[r]);
                        regs[..6].fill(RUBBISH);
                        regs[0] = self.invoke(function, at - 1, args);
                    }
                    op => {
                        let (a, b) = (regs[usize::from(insn.dst)], source(&regs, insn));
                        if taken(op, a, b) {
                            at = (at as i64 + i64::from(insn.off)) as usize;
                        }
                    }
                },
            }
        }
    }

    fn relocation(function: &FunctionCode, at: usize) -> Option<RelocationTarget> {
        function.relocations.iter().find(|r| r.insn as usize == at).map(|r| r.target)
    }

    fn wide(&self, function: &FunctionCode, at: usize) -> u64 {
        let [low, high] = [function.insns[at].imm, function.insns[at + 1].imm];
        match Self::relocation(function, at) {
            None => u64::from(low as u32) | u64::from(high as u32) << 32,
            Some(RelocationTarget::Map(m)) => World::map(m.index()),
            Some(RelocationTarget::Rodata(n)) => self.world.rodata + u64::from(n),
            Some(RelocationTarget::Bss(n)) => self.world.bss + u64::from(n),
            Some(RelocationTarget::FunctionAddress(f)) => World::function(f.index()),
            // A kernel that has none.
            Some(RelocationTarget::KernelAddress(_)) => 0,
            Some(other) => panic!("{other:?} on a 64-bit immediate"),
        }
    }

    fn invoke(&mut self, function: &FunctionCode, at: usize, args: [u64; 5]) -> u64 {
        let insn = function.insns[at];
        if insn.src == pseudo::CALL {
            return match Self::relocation(function, at) {
                Some(RelocationTarget::Call(f)) => self.call(f.index(), &args),
                other => panic!("a call to {other:?}"),
            };
        }
        match Helper(insn.imm as u32) {
            Helper::LOOP => {
                for i in 0..args[0] {
                    if self.call(World::function_at(args[1]), &[i, args[2]]) != 0 {
                        return i + 1;
                    }
                }
                args[0]
            }
            helper => self.world.helper(helper, &args),
        }
    }

    fn store(&mut self, regs: &mut [u64; 11], insn: Insn) {
        let to = address(regs, insn.dst, insn.off);
        let width = width(insn);
        let value = regs[usize::from(insn.src)];
        if insn.code & 0xe0 != 0xc0 {
            self.world.store(width, to, value);
            return;
        }
        let old = self.world.load(width, to);
        let mask = if width == Width::W32 { u64::from(u32::MAX) } else { u64::MAX };
        match insn.imm {
            atomic::CMPXCHG => {
                if old == regs[0] & mask {
                    self.world.store(width, to, value);
                }
                regs[0] = old;
            }
            op => {
                self.world.store(width, to, old.wrapping_add(value));
                if op & atomic::FETCH != 0 {
                    regs[usize::from(insn.src)] = old;
                }
            }
        }
    }
}

fn address(regs: &[u64; 11], base: u8, off: i16) -> u64 {
    regs[usize::from(base)].wrapping_add(i64::from(off) as u64)
}

fn width(insn: Insn) -> Width {
    match insn.code & 0x18 {
        0x00 => Width::W32,
        0x08 => Width::W16,
        0x10 => Width::W8,
        _ => Width::W64,
    }
}

fn source(regs: &[u64; 11], insn: Insn) -> u64 {
    match insn.code & SOURCE_REG {
        0 => i64::from(insn.imm) as u64,
        _ => regs[usize::from(insn.src)],
    }
}

fn arithmetic(regs: &mut [u64; 11], insn: Insn) {
    assert!(insn.dst < 10, "the frame pointer is read-only");
    let b = source(regs, insn);
    let a = regs[usize::from(insn.dst)];
    let is_imm = insn.code & SOURCE_REG == 0;
    let op = insn.code & 0xf0;
    let result = match op {
        alu::ADD => a.wrapping_add(b),
        alu::SUB => a.wrapping_sub(b),
        alu::MUL => a.wrapping_mul(b),
        alu::DIV | alu::MOD if is_imm && b == 0 => panic!("the verifier refuses division by 0"),
        alu::DIV => a.checked_div(b).unwrap_or(0),
        alu::MOD => a.checked_rem(b).unwrap_or(a),
        alu::OR => a | b,
        alu::AND => a & b,
        alu::XOR => a ^ b,
        alu::LSH | alu::RSH | alu::ARSH if is_imm && b > 63 => panic!("a shift by {b}"),
        alu::LSH => a << (b & 63),
        alu::RSH => a >> (b & 63),
        alu::ARSH => (a as i64 >> (b & 63)) as u64,
        alu::NEG => a.wrapping_neg(),
        alu::MOV => b,
        alu::END => match insn.imm {
            16 => (a as u16).swap_bytes().into(),
            32 => (a as u32).swap_bytes().into(),
            _ => a.swap_bytes(),
        },
        _ => panic!("{insn:?}"),
    };
    let narrow = insn.code & 7 == class::ALU && op != alu::END;
    assert!(!narrow || op == alu::MOV, "32-bit arithmetic isn't used");
    regs[usize::from(insn.dst)] = if narrow { u64::from(result as u32) } else { result };
}

fn taken(op: u8, a: u64, b: u64) -> bool {
    let (sa, sb) = (a as i64, b as i64);
    match op {
        jump::JA => true,
        jump::EQ => a == b,
        jump::NE => a != b,
        jump::GT => a > b,
        jump::GE => a >= b,
        jump::LT => a < b,
        jump::LE => a <= b,
        jump::SGT => sa > sb,
        jump::SGE => sa >= sb,
        jump::SLT => sa < sb,
        jump::SLE => sa <= sb,
        _ => a & b != 0,
    }
}
