//! Where instructions begin, and at which of them programs can be stopped.
//!
//! In: the bytes of a function. Out: its instructions, for descriptions that want all of
//! them. On x86-64 their lengths have to be found out one by one; what follows a byte that no
//! instruction begins with isn't looked at.

use super::argument::Machine;

/// An instruction of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Distance from the function's start.
    pub offset: u64,
    /// The kernel never stops there, since it could not let the program go on.
    pub refused: bool,
}

/// All of them, in order.
pub fn instructions(code: &[u8], machine: Machine) -> Vec<Instruction> {
    match machine {
        Machine::Arm => {
            let offsets = (0..code.len() as u64).step_by(4);
            offsets.map(|offset| Instruction { offset, refused: false }).collect()
        }
        Machine::X86 => {
            let (mut found, mut at) = (Vec::new(), 0);
            while let Some(shape) = code.get(at..).and_then(x86_shape) {
                if at + shape.len > code.len() {
                    break;
                }
                found.push(Instruction { offset: at as u64, refused: shape.refused });
                at += shape.len;
            }
            found
        }
    }
}

/// Whether the kernel refuses to stop at the first instruction.
pub fn first_is_refused(code: &[u8], machine: Machine) -> bool {
    machine == Machine::X86 && x86_shape(code).is_some_and(|shape| shape.refused)
}

/// What there is to know of an instruction.
struct Shape {
    len: usize,
    refused: bool,
}

/// What follows an opcode.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// No instruction.
    None,
    /// Nothing.
    Bare,
    /// So many bytes.
    Imm(usize),
    /// As many bytes as an operand has, but at most 4.
    Operand,
    /// A ModRM byte with its operand.
    Mod,
    /// And so many bytes.
    ModImm(usize),
    /// And as many bytes as an operand has, but at most 4.
    ModOperand,
}

/// Prefixes that matter for the length.
#[derive(Clone, Copy, Default)]
struct Prefixes {
    /// 66
    operand: bool,
    /// 67
    address: bool,
    /// REX.W
    wide: bool,
}

/// The instruction at the start; `None` if there is none.
fn x86_shape(code: &[u8]) -> Option<Shape> {
    const LONGEST: usize = 15;
    let mut prefixes = Prefixes::default();
    let (mut at, mut refused) = (0, false);
    let byte = |at: usize| code.get(at).copied();
    loop {
        match byte(at)? {
            0x66 => prefixes.operand = true,
            0x67 => prefixes.address = true,
            // Atomic ones and those with segments that have no meaning any more.
            0x26 | 0x2e | 0x36 | 0x3e | 0xf0 => refused = true,
            0x64 | 0x65 | 0xf2 | 0xf3 => {}
            _ => break,
        }
        at += 1;
        if at == LONGEST {
            return None;
        }
    }
    let first = byte(at)?;
    if first & 0xf0 == 0x40 {
        prefixes.wide = first & 8 != 0;
        at += 1;
    }
    // The opcode too, unless it is behind a 0f.
    let (tail, at, opcode) = match byte(at)? {
        0x0f => match byte(at + 1)? {
            0x38 => (Tail::Mod, at + 3, None),
            0x3a => (Tail::ModImm(1), at + 3, None),
            opcode => (two_byte(opcode), at + 2, None),
        },
        0xc5 => (vector(1, byte(at + 2)?), at + 3, byte(at + 2)),
        0xc4 => (vector(byte(at + 1)? & 0x1f, byte(at + 3)?), at + 4, byte(at + 3)),
        0x62 => (vector(byte(at + 1)? & 7, byte(at + 4)?), at + 5, byte(at + 4)),
        opcode => (one_byte(opcode, byte(at + 1).unwrap_or(0), prefixes), at + 1, Some(opcode)),
    };
    // Ports, and what halts: the kernel looks at the opcodes of vector instructions as if they had no prefix.
    refused |= matches!(opcode, Some(0x6c..=0x6f | 0xe4..=0xe7 | 0xec..=0xef | 0xf4));
    let operand = if prefixes.operand && !prefixes.wide { 2 } else { 4 };
    let memory = || modrm(code.get(at..)?);
    let len = at
        + match tail {
            Tail::None => return None,
            Tail::Bare => 0,
            Tail::Imm(n) => n,
            Tail::Operand => operand,
            Tail::Mod => memory()?,
            Tail::ModImm(n) => memory()? + n,
            Tail::ModOperand => memory()? + operand,
        };
    (len <= LONGEST).then_some(Shape { len, refused })
}

/// Bytes of a ModRM byte and what it says follows it.
fn modrm(code: &[u8]) -> Option<usize> {
    let byte = *code.first()?;
    let (mode, register) = (byte >> 6, byte & 7);
    if mode == 3 {
        return Some(1);
    }
    let (scaled, base) = match register {
        4 => (1, *code.get(1)? & 7),
        _ => (0, register),
    };
    let displacement = match mode {
        0 if base == 5 => 4,
        0 => 0,
        1 => 1,
        _ => 4,
    };
    Some(1 + scaled + displacement)
}

fn one_byte(opcode: u8, next: u8, prefixes: Prefixes) -> Tail {
    use Tail::{Bare, Imm, Mod, ModImm, ModOperand, None, Operand};
    match opcode {
        0x00..=0x3f => match opcode & 7 {
            0..=3 => Mod,
            4 => Imm(1),
            5 => Operand,
            _ => None,
        },
        0x50..=0x5f | 0x6c..=0x6f | 0x90..=0x99 | 0x9b..=0x9f | 0xa4..=0xa7 | 0xaa..=0xaf => Bare,
        0x63 | 0x84..=0x8f | 0xd0..=0xd3 | 0xd8..=0xdf | 0xfe | 0xff => Mod,
        0x68 | 0xa9 => Operand,
        0x69 | 0x81 | 0xc7 => ModOperand,
        0x6a | 0x70..=0x7f | 0xa8 | 0xb0..=0xb7 | 0xcd | 0xe0..=0xe7 | 0xeb => Imm(1),
        0x6b | 0x80 | 0x83 | 0xc0 | 0xc1 | 0xc6 => ModImm(1),
        0xa0..=0xa3 => Imm(if prefixes.address { 4 } else { 8 }),
        0xb8..=0xbf if prefixes.wide => Imm(8),
        0xb8..=0xbf => Operand,
        0xc2 | 0xca => Imm(2),
        0xc8 => Imm(3),
        0xc3 | 0xc9 | 0xcb | 0xcc | 0xcf | 0xd7 => Bare,
        0xe8 | 0xe9 => Imm(4),
        0xec..=0xef | 0xf1 | 0xf4 | 0xf5 | 0xf8..=0xfd => Bare,
        // The first two of these groups test a constant.
        0xf6 if next & 0x38 < 0x10 => ModImm(1),
        0xf7 if next & 0x38 < 0x10 => ModOperand,
        0xf6 | 0xf7 => Mod,
        _ => None,
    }
}

fn two_byte(opcode: u8) -> Tail {
    use Tail::{Bare, Imm, Mod, ModImm, None};
    match opcode {
        0x05..=0x09 | 0x0b | 0x0e | 0x30..=0x37 | 0x77 => Bare,
        0xa0..=0xa2 | 0xa8..=0xaa | 0xc8..=0xcf => Bare,
        0x0f | 0x70..=0x73 | 0xa4 | 0xac | 0xba | 0xc2 | 0xc4..=0xc6 => ModImm(1),
        0x80..=0x8f => Imm(4),
        0x04 | 0x0a | 0x0c | 0x24..=0x27 | 0x39..=0x3f | 0xa6 | 0xa7 => None,
        _ => Mod,
    }
}

/// Instructions with a VEX or EVEX prefix, by the map that it names.
fn vector(map: u8, opcode: u8) -> Tail {
    match (map, opcode) {
        (1, 0x77) => Tail::Bare,
        (1, 0x70..=0x73 | 0xc2 | 0xc4..=0xc6) | (3, _) => Tail::ModImm(1),
        (1 | 2 | 5 | 6, _) => Tail::Mod,
        _ => Tail::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (code, len) in [
            (&[0xf3, 0x0f, 0x1e, 0xfa][..], 4),                   // endbr64
            (&[0x55], 1),                                         // push %rbp
            (&[0x48, 0x89, 0xe5], 3),                             // mov %rsp,%rbp
            (&[0x48, 0x83, 0xec, 0x10], 4),                       // sub $16,%rsp
            (&[0x8b, 0x05, 1, 2, 3, 4], 6),                       // mov x(%rip),%eax
            (&[0xc7, 0x44, 0x24, 0x08, 1, 2, 3, 4], 8),           // movl $n,8(%rsp)
            (&[0x66, 0xc7, 0x04, 0x25, 1, 2, 3, 4, 5, 6], 10),    // movw $n,abs
            (&[0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8], 10),          // movabs
            (&[0xe8, 1, 2, 3, 4], 5),                             // call
            (&[0x0f, 0x84, 1, 2, 3, 4], 6),                       // je
            (&[0xf6, 0xc1, 0x01], 3),                             // test $1,%cl
            (&[0xf7, 0xd8], 2),                                   // neg %eax
            (&[0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0], 10), // nopw
            (&[0xc5, 0xf8, 0x77], 3),                             // vzeroupper
            (&[0xc5, 0xfd, 0x6f, 0x06], 4),                       // vmovdqa (%rsi),%ymm0
            (&[0xc4, 0xe3, 0x7d, 0x39, 0xc1, 0x01], 6),           // vextracti128
            (&[0x62, 0xf1, 0xfe, 0x28, 0x6f, 0x46, 0x01], 7),     // vmovdqu64 32(%rsi)
            (&[0x66, 0x0f, 0x3a, 0x0f, 0xc1, 0x08], 6),           // palignr
            (&[0xf2, 0x0f, 0x10, 0x04, 0xc5, 0, 0, 0, 0], 9),     // movsd (,%rax,8)
        ] {
            let length = |code: &[u8]| x86_shape(code).map(|shape| shape.len);
            assert_eq!(length(code), Some(len), "{code:x?}");
            assert_eq!(length(&code[..code.len() - 1]).filter(|n| *n < len), None, "{code:x?}");
        }
        assert!(x86_shape(&[0x06]).is_none());
        assert!(x86_shape(&[0x66; 20]).is_none());
    }

    #[test]
    fn instructions_follow_each_other() {
        let offsets = |code: &[u8], machine| -> Vec<u64> {
            instructions(code, machine).iter().map(|i| i.offset).collect()
        };
        let code = [0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3];
        assert_eq!(offsets(&code, Machine::X86), [0, 1, 4, 5]);
        assert_eq!(offsets(&code[..3], Machine::X86), [0]);
        assert_eq!(offsets(&[0; 12], Machine::Arm), [0, 4, 8]);
    }

    #[test]
    fn what_the_kernel_refuses() {
        for (code, refused) in [
            (&[0xf0, 0xff, 0x0f][..], true), // lock decl (%rdi)
            (&[0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0], true), // nopw %cs:0(%rax,%rax)
            (&[0xc5, 0xf9, 0x6e, 0xc6], true), // vmovd %esi,%xmm0
            (&[0x66, 0x0f, 0x6e, 0xc6], false), // movd %esi,%xmm0
            (&[0xff, 0x0f], false),          // decl (%rdi)
            (&[0x64, 0x8b, 0x04, 0x25, 0, 0, 0, 0], false), // mov %fs:0,%eax
        ] {
            assert_eq!(first_is_refused(code, Machine::X86), refused, "{code:x?}");
        }
        assert!(!first_is_refused(&[0xf0, 0xff, 0x0f], Machine::Arm));
    }
}
