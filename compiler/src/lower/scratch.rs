//! A clause's own memory: what `alloca()` and `copyin()` give.
//!
//! In: sizes and addresses. Out: allocations, and checked accesses. The memory is a part of
//! the program's scratch map value, so D's pointers into it are real kernel addresses that
//! every helper can read through; only the program's own loads and stores need a pointer
//! that the verifier knows, which an access is turned into after its check. Everything is
//! free again when the next clause begins.
//!
//! ```text
//!   0  bytes in use, a multiple of 8
//!   8  the memory: `scratchsize` bytes, and as many that are never given out, so that
//!      the verifier, which adds the largest offset and the largest size, is content
//! ```

use super::context::{Context, Operand};
use crate::ir::{BinOp, Cond, Place, SlotId, Value, Width};
use crate::manifest::Fault;
use crate::typed::Expr;
use strand_grammar::source::Span;

/// Where the memory is, in one function.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scratch {
    /// A slot of the program.
    Slot(SlotId),
    /// In a loop's turn: the address that the frame has of it.
    Address(Value),
}

/// Where the memory begins.
const START: i64 = 8;

impl Context<'_, '_> {
    /// A clause that uses the memory begins: nothing is allocated.
    pub(crate) fn reset_scratch(&mut self) {
        let size = self.scratch_size();
        if self.scratch.is_none() {
            let slot = self.b.slot(START as u32 + 2 * size, 8, Place::Scratch);
            self.scratch = Some(Scratch::Slot(slot));
        }
        let base = self.scratch_base();
        self.b.store_imm(Width::W64, base, 0, 0);
    }

    /// Bytes of it, rounded up.
    pub(crate) fn scratch_size(&self) -> u32 {
        super::layout::round_up(self.unit.options.scratchsize, 8)
    }

    /// The address of the memory with its header.
    pub(crate) fn scratch_base(&mut self) -> Value {
        match self.scratch {
            Some(Scratch::Slot(slot)) => self.b.slot_addr(slot),
            Some(Scratch::Address(base)) => base,
            None => unreachable!("a clause that uses scratch memory begins by resetting it"),
        }
    }

    /// So many new bytes; their address as a number.
    pub fn allocate(&mut self, n: Value, span: Span) -> Value {
        let size = self.int(i64::from(self.scratch_size()));
        self.fault_if(Cond::UGt, n, size, Fault::NoScratch, n, span);
        let base = self.scratch_base();
        let used = self.b.load(Width::W64, false, base, 0);
        let rounded = self.b.add_imm(n, 7);
        let rounded = self.b.binary_imm(BinOp::And, rounded, !7);
        let end = self.b.binary(BinOp::Add, used, rounded);
        self.fault_if(Cond::UGt, end, size, Fault::NoScratch, n, span);
        self.b.store(Width::W64, base, 0, end);
        let base = self.launder(base);
        let start = self.b.add_imm(base, START);
        self.b.binary(BinOp::Add, start, used)
    }

    /// Memory at an address of D's as a pointer to so many bytes; faults if they were not
    /// allocated in this clause.
    pub(crate) fn scratch_access(&mut self, address: Value, n: u32, span: Span) -> Value {
        let n = i64::from(n);
        let base = self.scratch_base();
        let offset = self.scratch_offset(base, address);
        let last = self.int(i64::from(self.scratch_size()) - n);
        let cond = if i64::from(self.scratch_size()) < n { Cond::SGt } else { Cond::UGt };
        self.fault_if(cond, offset, last, Fault::BadAddress, address, span);
        let end = self.b.add_imm(offset, n);
        let used = self.b.load(Width::W64, false, base, 0);
        self.fault_if(Cond::UGt, end, used, Fault::BadAddress, address, span);
        let start = self.b.add_imm(base, START);
        self.b.binary(BinOp::Add, start, offset)
    }

    /// The same for a size that is found at run time and is not 0: a bad address if the
    /// memory doesn't begin in an allocation, a bad size if it doesn't end in one.
    pub fn scratch_range(&mut self, address: Value, n: Value, span: Span) -> Value {
        let base = self.scratch_base();
        let offset = self.scratch_offset(base, address);
        let size = self.int(i64::from(self.scratch_size()));
        self.fault_if(Cond::UGe, offset, size, Fault::BadAddress, address, span);
        let used = self.b.load(Width::W64, false, base, 0);
        self.fault_if(Cond::UGe, offset, used, Fault::BadAddress, address, span);
        self.fault_if(Cond::UGt, n, size, Fault::BadSize, n, span);
        let end = self.b.binary(BinOp::Add, offset, n);
        self.fault_if(Cond::UGt, end, used, Fault::BadSize, n, span);
        let start = self.b.add_imm(base, START);
        self.b.binary(BinOp::Add, start, offset)
    }

    /// The pointer that was just allocated at an address, for so many bytes that fit.
    pub fn allocated(&mut self, address: Value) -> Value {
        let base = self.scratch_base();
        let offset = self.scratch_offset(base, address);
        // Always so; said again for the verifier.
        let size = self.int(i64::from(self.scratch_size()));
        let zero = self.int(0);
        let offset = self.select(Cond::ULe, offset, size, offset, zero);
        let start = self.b.add_imm(base, START);
        self.b.binary(BinOp::Add, start, offset)
    }

    fn scratch_offset(&mut self, base: Value, address: Value) -> Value {
        let base = self.launder(base);
        let start = self.b.add_imm(base, START);
        self.b.binary(BinOp::Sub, address, start)
    }

    /// An address of D's as a number that arithmetic can be done with.
    pub fn address(&mut self, e: &Expr) -> Value {
        let value: Operand = self.expr(e);
        self.number(&value)
    }
}
