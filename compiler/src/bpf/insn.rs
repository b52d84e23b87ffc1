//! One BPF instruction in the kernel's encoding, and how each kind is put together.
//!
//! In: registers, offsets, immediates. Out: [`Insn`]. Decides nothing: which
//! instructions to use is the selector's matter.

use crate::ir::{BinOp, Cond, Width};

/// `struct bpf_insn`; a 64-bit immediate load takes two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insn {
    /// Class, operation and source bits.
    pub code: u8,
    /// Destination register.
    pub dst: u8,
    /// Source register, or a pseudo source (`BPF_PSEUDO_*`).
    pub src: u8,
    /// Jump distance or memory offset.
    pub off: i16,
    /// Immediate.
    pub imm: i32,
}

/// The frame pointer, read-only.
pub const FRAME: u8 = 10;

/// Instruction classes: the low three bits of the code.
pub mod class {
    /// Load a 64-bit immediate.
    pub const LD: u8 = 0;
    /// Load from memory.
    pub const LDX: u8 = 1;
    /// Store an immediate.
    pub const ST: u8 = 2;
    /// Store a register; atomics.
    pub const STX: u8 = 3;
    /// 32-bit arithmetic.
    pub const ALU: u8 = 4;
    /// 64-bit jumps, calls, exit.
    pub const JMP: u8 = 5;
    /// 32-bit jumps.
    pub const JMP32: u8 = 6;
    /// 64-bit arithmetic.
    pub const ALU64: u8 = 7;
}

/// The operand is a register, not the immediate.
pub const SOURCE_REG: u8 = 0x08;

/// Arithmetic operations: the high four bits of the code.
pub mod alu {
    /// `dst += src`
    pub const ADD: u8 = 0x00;
    /// `dst -= src`
    pub const SUB: u8 = 0x10;
    /// `dst *= src`
    pub const MUL: u8 = 0x20;
    /// `dst /= src`
    pub const DIV: u8 = 0x30;
    /// `dst |= src`
    pub const OR: u8 = 0x40;
    /// `dst &= src`
    pub const AND: u8 = 0x50;
    /// `dst <<= src`
    pub const LSH: u8 = 0x60;
    /// `dst >>= src`
    pub const RSH: u8 = 0x70;
    /// `dst = -dst`
    pub const NEG: u8 = 0x80;
    /// `dst %= src`
    pub const MOD: u8 = 0x90;
    /// `dst ^= src`
    pub const XOR: u8 = 0xa0;
    /// `dst = src`
    pub const MOV: u8 = 0xb0;
    /// `dst s>>= src`
    pub const ARSH: u8 = 0xc0;
    /// Byte order.
    pub const END: u8 = 0xd0;
}

/// Jump operations: the high four bits of the code.
pub mod jump {
    /// Always.
    pub const JA: u8 = 0x00;
    /// Equal.
    pub const EQ: u8 = 0x10;
    /// Unsigned greater.
    pub const GT: u8 = 0x20;
    /// Unsigned greater or equal.
    pub const GE: u8 = 0x30;
    /// Bits in common.
    pub const SET: u8 = 0x40;
    /// Not equal.
    pub const NE: u8 = 0x50;
    /// Signed greater.
    pub const SGT: u8 = 0x60;
    /// Signed greater or equal.
    pub const SGE: u8 = 0x70;
    /// Call.
    pub const CALL: u8 = 0x80;
    /// Return.
    pub const EXIT: u8 = 0x90;
    /// Unsigned less.
    pub const LT: u8 = 0xa0;
    /// Unsigned less or equal.
    pub const LE: u8 = 0xb0;
    /// Signed less.
    pub const SLT: u8 = 0xc0;
    /// Signed less or equal.
    pub const SLE: u8 = 0xd0;
}

/// What the source register field means in calls and 64-bit immediates.
pub mod pseudo {
    /// The immediate is a map's file descriptor.
    pub const MAP_FD: u8 = 1;
    /// The same, and the second immediate is an offset into its value.
    pub const MAP_VALUE: u8 = 2;
    /// The immediate is the distance to a function whose address is wanted.
    pub const FUNC: u8 = 4;
    /// The immediate of a call is the distance to a function.
    pub const CALL: u8 = 1;
}

/// Atomic operations: the immediate of an atomic store.
pub mod atomic {
    /// Add.
    pub const ADD: i32 = 0x00;
    /// Give the old content.
    pub const FETCH: i32 = 0x01;
    /// Compare register 0 and exchange.
    pub const CMPXCHG: i32 = 0xf1;
}

const MODE_MEM: u8 = 0x60;
const MODE_ATOMIC: u8 = 0xc0;
const SIZE_DW: u8 = 0x18;
const END_TO_BE: u8 = 0x08;

impl Insn {
    /// Its eight bytes, little endian.
    pub fn to_bytes(self) -> [u8; 8] {
        let mut out = [0; 8];
        out[0] = self.code;
        out[1] = self.dst | self.src << 4;
        out[2..4].copy_from_slice(&self.off.to_le_bytes());
        out[4..8].copy_from_slice(&self.imm.to_le_bytes());
        out
    }

    /// `dst op= imm` (`op` one of [`alu`])
    pub fn alu_imm(op: u8, dst: u8, imm: i32) -> Insn {
        Insn { code: class::ALU64 | op, dst, imm, ..Insn::default() }
    }

    /// `dst op= src`
    pub fn alu_reg(op: u8, dst: u8, src: u8) -> Insn {
        Insn { code: class::ALU64 | SOURCE_REG | op, dst, src, ..Insn::default() }
    }

    /// `dst = src`
    pub fn mov(dst: u8, src: u8) -> Insn {
        Self::alu_reg(alu::MOV, dst, src)
    }

    /// `dst = (u32)src`
    pub fn mov32(dst: u8, src: u8) -> Insn {
        Insn { code: class::ALU | SOURCE_REG | alu::MOV, dst, src, ..Insn::default() }
    }

    /// `dst = (u32)imm`
    pub fn mov32_imm(dst: u8, imm: i32) -> Insn {
        Insn { code: class::ALU | alu::MOV, dst, imm, ..Insn::default() }
    }

    /// `dst = be16/be32/be64 dst`: reverses bytes on a little-endian machine.
    pub fn to_big_endian(dst: u8, bits: i32) -> Insn {
        Insn { code: class::ALU | END_TO_BE | alu::END, dst, imm: bits, ..Insn::default() }
    }

    /// The two halves of `dst = imm` for 64 bits; `src` is one of [`pseudo`] or 0.
    pub fn load_imm64(dst: u8, src: u8, imm: i64) -> [Insn; 2] {
        let low = Insn { code: class::LD | SIZE_DW, dst, src, off: 0, imm: imm as i32 };
        let high = Insn { imm: (imm >> 32) as i32, ..Insn::default() };
        [low, high]
    }

    /// `dst = *(width *)(src + off)`
    pub fn load(width: Width, dst: u8, src: u8, off: i16) -> Insn {
        Insn { code: class::LDX | MODE_MEM | size(width), dst, src, off, imm: 0 }
    }

    /// `*(width *)(dst + off) = src`
    pub fn store(width: Width, dst: u8, off: i16, src: u8) -> Insn {
        Insn { code: class::STX | MODE_MEM | size(width), dst, src, off, imm: 0 }
    }

    /// `*(width *)(dst + off) = imm`
    pub fn store_imm(width: Width, dst: u8, off: i16, imm: i32) -> Insn {
        Insn { code: class::ST | MODE_MEM | size(width), dst, src: 0, off, imm }
    }

    /// An atomic operation (`op` one of [`atomic`]) of `src` on `*(width *)(dst + off)`.
    pub fn atomic(op: i32, width: Width, dst: u8, off: i16, src: u8) -> Insn {
        Insn { code: class::STX | MODE_ATOMIC | size(width), dst, src, off, imm: op }
    }

    /// `if dst cond imm goto +off`
    pub fn jump_imm(cond: Cond, dst: u8, imm: i32, off: i16) -> Insn {
        Insn { code: class::JMP | jump_op(cond), dst, src: 0, off, imm }
    }

    /// `if dst cond src goto +off`
    pub fn jump_reg(cond: Cond, dst: u8, src: u8, off: i16) -> Insn {
        Insn { code: class::JMP | SOURCE_REG | jump_op(cond), dst, src, off, imm: 0 }
    }

    /// `goto +off`
    pub fn goto(off: i16) -> Insn {
        Insn { code: class::JMP | jump::JA, off, ..Insn::default() }
    }

    /// Calls a helper.
    pub fn call_helper(number: u32) -> Insn {
        Insn { code: class::JMP | jump::CALL, imm: number as i32, ..Insn::default() }
    }

    /// Calls a function; the distance is for the loader to fill in.
    pub fn call_function() -> Insn {
        Insn { code: class::JMP | jump::CALL, src: pseudo::CALL, imm: -1, ..Insn::default() }
    }

    /// Returns.
    pub fn exit() -> Insn {
        Insn { code: class::JMP | jump::EXIT, ..Insn::default() }
    }

    /// Whether the next instruction may follow it.
    pub fn falls_through(self) -> bool {
        self.code != class::JMP | jump::JA && self.code != class::JMP | jump::EXIT
    }

    /// Whether it is a jump, of either width.
    pub fn is_jump(self) -> bool {
        let ends = self.code == class::JMP | jump::CALL || self.code == class::JMP | jump::EXIT;
        matches!(self.code & 7, class::JMP | class::JMP32) && !ends
    }

    /// Whether it is the first half of a 64-bit immediate load.
    pub fn is_wide(self) -> bool {
        self.code == class::LD | SIZE_DW
    }
}

fn size(width: Width) -> u8 {
    match width {
        Width::W32 => 0x00,
        Width::W16 => 0x08,
        Width::W8 => 0x10,
        Width::W64 => SIZE_DW,
    }
}

/// The jump operation for a comparison.
pub fn jump_op(cond: Cond) -> u8 {
    match cond {
        Cond::Eq => jump::EQ,
        Cond::Ne => jump::NE,
        Cond::ULt => jump::LT,
        Cond::ULe => jump::LE,
        Cond::UGt => jump::GT,
        Cond::UGe => jump::GE,
        Cond::SLt => jump::SLT,
        Cond::SLe => jump::SLE,
        Cond::SGt => jump::SGT,
        Cond::SGe => jump::SGE,
    }
}

/// The arithmetic operation; `None` for signed division, which must be expanded before.
pub fn alu_op(op: BinOp) -> Option<u8> {
    Some(match op {
        BinOp::Add => alu::ADD,
        BinOp::Sub => alu::SUB,
        BinOp::Mul => alu::MUL,
        BinOp::UDiv => alu::DIV,
        BinOp::URem => alu::MOD,
        BinOp::And => alu::AND,
        BinOp::Or => alu::OR,
        BinOp::Xor => alu::XOR,
        BinOp::Shl => alu::LSH,
        BinOp::LShr => alu::RSH,
        BinOp::AShr => alu::ARSH,
        BinOp::SDiv | BinOp::SRem => return None,
    })
}
