//! Registers, and how they change when a frame is left.
//!
//! In: registers as the kernel keeps them, what a file says of a place, memory. Out: the registers
//! of the caller. Knows the processor's numbers of registers, and which of them functions keep.

use super::End;
use super::tables::{Step, Tables};
use crate::record::word;
use gimli::{CfaRule, EvaluationResult, RegisterRule, UnwindExpression, Value};
use strand_compiler::manifest::copied;

/// DWARF's numbers of registers that are used here.
#[cfg(not(target_arch = "aarch64"))]
mod number {
    pub const COUNT: usize = 17;
    pub const FRAME: usize = 6;
    pub const SP: usize = 7;
    pub const IP: usize = 16;
    /// Where what a function returns to comes to be.
    pub const RETURN: usize = 16;
    /// Where on the stack a function begins, from its frame down.
    pub const BELOW: u64 = 8;
    /// What functions keep.
    pub const KEPT: [usize; 6] = [3, 6, 12, 13, 14, 15];
    /// Those of `struct pt_regs`, in its order.
    pub const KERNEL: [Option<usize>; 21] = [
        Some(15),
        Some(14),
        Some(13),
        Some(12),
        Some(6),
        Some(3),
        Some(11),
        Some(10),
        Some(9),
        Some(8),
        Some(0),
        Some(2),
        Some(1),
        Some(4),
        Some(5),
        None,
        Some(16),
        None,
        None,
        Some(7),
        None,
    ];
}

/// The same of 64-bit ARM; the instruction pointer has no number of its own.
#[cfg(target_arch = "aarch64")]
mod number {
    pub const COUNT: usize = 33;
    pub const FRAME: usize = 29;
    pub const SP: usize = 31;
    pub const IP: usize = 32;
    pub const RETURN: usize = 30;
    pub const BELOW: u64 = 0;
    pub const KEPT: [usize; 12] = [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30];
    pub const KERNEL: [Option<usize>; 34] = {
        let mut numbers = [None; 34];
        let mut i = 0;
        while i < 33 {
            numbers[i] = Some(i);
            i += 1;
        }
        numbers
    };
}

/// An address as it is called, without the signature that ARM has in its highest bits.
fn address(signed: u64) -> u64 {
    if cfg!(target_arch = "aarch64") { signed & ((1 << 48) - 1) } else { signed }
}

/// Whether registers are a 32-bit program's.
pub(super) fn is_narrow(registers: &[u8]) -> bool {
    const SELECTOR_OF_32_BIT_CODE: u64 = 0x23;
    const WIDTH_BIT: u64 = 0x10;
    let mode = word(registers, 8 * copied::MODE as usize);
    if cfg!(target_arch = "aarch64") {
        mode & WIDTH_BIT != 0
    } else {
        mode == SELECTOR_OF_32_BIT_CODE
    }
}

/// A part of the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory<'a> {
    start: u64,
    bytes: &'a [u8],
    /// Bytes that were asked for.
    room: usize,
}

impl<'a> Memory<'a> {
    pub(super) fn new(start: Option<u64>, bytes: &'a [u8], room: usize) -> Memory<'a> {
        Memory { start: start.unwrap_or(0), bytes, room }
    }

    /// The number of so many bytes at an address.
    fn number(&self, address: u64, size: usize) -> Result<u64, End> {
        let at = address.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let bytes = at.and_then(|at| self.bytes.get(at..at.checked_add(size)?));
        let Some(bytes) = bytes.filter(|bytes| bytes.len() <= 8) else {
            let above = address >= self.start && self.bytes.len() >= self.room;
            return Err(if above { End::Beyond(self.room) } else { End::Unreadable });
        };
        let mut raw = [0; 8];
        raw[..size].copy_from_slice(bytes);
        Ok(u64::from_le_bytes(raw))
    }

    fn word(&self, address: u64) -> Result<u64, End> {
        self.number(address, 8)
    }
}

/// Those of a frame, as far as they are known, by DWARF's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registers([Option<u64>; number::COUNT]);

impl Registers {
    /// As in `struct pt_regs`.
    pub(super) fn of_user(bytes: &[u8]) -> Registers {
        let mut registers = Registers([None; number::COUNT]);
        for (i, number) in number::KERNEL.into_iter().enumerate() {
            if let Some(number) = number {
                registers.0[number] = Some(word(bytes, 8 * i));
            }
        }
        registers
    }

    pub(super) fn ip(&self) -> Option<u64> {
        self.0[number::IP]
    }

    pub(super) fn sp(&self) -> Option<u64> {
        self.0[number::SP]
    }

    /// Those of a caller: where the stack was when what it called began.
    pub(super) fn stack_of_callee(&self) -> u64 {
        self.sp().unwrap_or(0).wrapping_sub(number::BELOW)
    }

    /// Those of a caller: it goes on here.
    pub(super) fn go_on_at(&mut self, ip: u64) {
        self.0[number::IP] = Some(ip);
        self.0[number::RETURN] = Some(ip);
    }

    fn get(&self, register: gimli::Register) -> Result<u64, End> {
        let value = self.0.get(usize::from(register.0)).copied().flatten();
        value.ok_or(End::Wrong(String::new()))
    }

    /// The caller's, as a file says; `None` if it says that there is none.
    pub(super) fn leave(
        &self,
        step: &Step,
        tables: &Tables,
        memory: &Memory<'_>,
    ) -> Result<Option<Registers>, End> {
        let frame = match &step.frame {
            CfaRule::RegisterAndOffset { register, offset } => {
                self.get(*register)?.wrapping_add_signed(*offset)
            }
            CfaRule::Expression(e) => self.evaluate(step, tables, *e, None, memory)?,
        };
        let sp = self.sp().unwrap_or(0);
        let mut caller = Registers([None; number::COUNT]);
        for kept in number::KEPT {
            caller.0[kept] = self.0[kept];
        }
        caller.0[number::SP] = Some(frame);
        for (register, rule) in &step.registers {
            let Some(place) = caller.0.get_mut(usize::from(register.0)) else { continue };
            let value = match rule {
                RegisterRule::Undefined | RegisterRule::Architectural => None,
                RegisterRule::SameValue => self.0[usize::from(register.0)],
                // What lies below the stack was there until the function, which is about to
                // return, put it back.
                RegisterRule::Offset(n)
                    if frame.wrapping_add_signed(*n) < sp
                        && usize::from(register.0) != number::IP =>
                {
                    self.0[usize::from(register.0)]
                }
                RegisterRule::Offset(n) => Some(memory.word(frame.wrapping_add_signed(*n))?),
                RegisterRule::ValOffset(n) => Some(frame.wrapping_add_signed(*n)),
                RegisterRule::Register(other) => Some(self.get(*other)?),
                RegisterRule::Expression(e) => {
                    let at = self.evaluate(step, tables, *e, Some(frame), memory)?;
                    Some(memory.word(at)?)
                }
                RegisterRule::ValExpression(e) => {
                    Some(self.evaluate(step, tables, *e, Some(frame), memory)?)
                }
                RegisterRule::Constant(n) => Some(*n),
            };
            *place = value;
        }
        let Some(back) = caller.0[number::RETURN].map(address).filter(|back| *back != 0) else {
            return Ok(None);
        };
        // Stacks grow down, and what calls itself without a stack gets nowhere.
        if frame < sp && !step.interrupted || frame == sp && Some(back) == self.ip() {
            return Err(End::Wrong(String::new()));
        }
        caller.0[number::IP] = Some(back);
        Ok(Some(caller))
    }

    /// The caller's by the frame pointer, where there is no better way: it may be anything, so
    /// that what it leads to has to look like a frame. If it doesn't, the stack ends there as
    /// the caller of this says.
    pub(super) fn leave_by_frame_pointer(
        &self,
        memory: &Memory<'_>,
        otherwise: End,
    ) -> Result<Option<Registers>, End> {
        let (Some(frame), Some(sp)) = (self.0[number::FRAME], self.sp()) else {
            return Err(otherwise);
        };
        if frame == 0 {
            return Ok(None);
        }
        if frame < sp || !frame.is_multiple_of(8) {
            return Err(otherwise);
        }
        let (Ok(next), Ok(back)) = (memory.word(frame), memory.word(frame.wrapping_add(8))) else {
            return Err(otherwise);
        };
        let back = address(back);
        if back == 0 {
            return Ok(None);
        }
        if next != 0 && next <= frame {
            return Err(otherwise);
        }
        let mut caller = self.clone();
        caller.0[number::FRAME] = Some(next);
        caller.0[number::SP] = Some(frame.wrapping_add(16));
        caller.0[number::IP] = Some(back);
        Ok(Some(caller))
    }

    /// An expression of a file's; the frame's address is on its stack at first, where it is known.
    fn evaluate(
        &self,
        step: &Step,
        tables: &Tables,
        expression: UnwindExpression<usize>,
        frame: Option<u64>,
        memory: &Memory<'_>,
    ) -> Result<u64, End> {
        /// More operations than any compiler makes.
        const MOST: u32 = 1000;
        let wrong = |_| End::Wrong(String::new());
        let expression = tables.expression(step, expression).map_err(wrong)?;
        let mut evaluation = expression.evaluation(step.encoding);
        evaluation.set_max_iterations(MOST);
        if let Some(frame) = frame {
            evaluation.set_initial_value(frame);
        }
        let mut result = evaluation.evaluate().map_err(wrong)?;
        loop {
            result = match result {
                EvaluationResult::Complete => break,
                EvaluationResult::RequiresRegister { register, .. } => {
                    let value = Value::Generic(self.get(register)?);
                    evaluation.resume_with_register(value).map_err(wrong)?
                }
                EvaluationResult::RequiresMemory { address, size, .. } => {
                    let value = Value::Generic(memory.number(address, usize::from(size))?);
                    evaluation.resume_with_memory(value).map_err(wrong)?
                }
                _ => return Err(End::Wrong(String::new())),
            };
        }
        let value = evaluation.value_result().ok_or(End::Wrong(String::new()))?;
        value.to_u64(u64::MAX).map_err(wrong)
    }
}
