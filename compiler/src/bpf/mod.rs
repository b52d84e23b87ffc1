//! IR to BPF instructions.
//!
//! In: a verified [`crate::ir::Module`]. Out: [`Code`]: instructions of every function
//! with the places that the object writer or the loader must patch. Decides
//! instruction selection, registers and the stack frame; knows nothing of ELF.

pub mod insn;

use crate::ir::{FieldId, FieldInfo, FunctionId, FunctionKind, MapId};
use insn::Insn;
use strand_grammar::source::Span;

/// All functions of a module, in order of [`FunctionId`].
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// One for each function.
    pub functions: Vec<FunctionCode>,
}

/// One function's instructions.
#[derive(Clone, Debug)]
pub struct FunctionCode {
    /// The ELF symbol.
    pub name: String,
    /// Program or subprogram.
    pub kind: FunctionKind,
    /// How many parameters it has.
    pub params: usize,
    /// Jumps are resolved; relocations are not applied.
    pub insns: Vec<Insn>,
    /// In order of instruction.
    pub relocations: Vec<Relocation>,
    /// (instruction index, D text that it and those after it stand for), in order.
    pub spans: Vec<(u32, Span)>,
    /// Bytes of stack in use.
    pub stack: u32,
}

/// An instruction to be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Index of the instruction (the first of a 16-byte one).
    pub insn: u32,
    /// With what.
    pub target: RelocationTarget,
}

/// What an instruction refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelocationTarget {
    /// 64-bit immediate: a map.
    Map(MapId),
    /// 64-bit immediate: address in `.rodata`; the addend is the number.
    Rodata(u32),
    /// 64-bit immediate: address in `.bss`.
    Bss(u32),
    /// 64-bit immediate: the address of a subprogram, as a callback.
    FunctionAddress(FunctionId),
    /// A bpf-to-bpf call.
    Call(FunctionId),
    /// CO-RE: the offset of a load, or the immediate of a move or add. The
    /// instruction holds the compile-time value.
    Field(FieldId, FieldInfo),
}
