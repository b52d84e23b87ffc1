//! User stacks that are copied, to be unwound by whoever reads them.
//!
//! In: where the record wants a stack. Out: code that stores what frame pointers give, the
//! registers in user mode, the returns that probes have changed, and as much of the stack from its
//! pointer up as the option `ustackcopy` says and can be read. What the layout is stands in
//! [`crate::manifest::copied`].
//!
//! A read of user memory gives all that was asked for, or nothing; and what can't be read begins
//! with a page. So the whole is tried first: all that was asked for, or in a process's first thread
//! what there is up to where its stack began. If that fails, there is less than the whole: what is
//! left of the first page, and then page by page until one can't be read. None of these goes
//! beyond the room, so that the verifier, which doesn't know how a place and a size depend on each
//! other, is given sizes that are constant wherever the place isn't.

use super::context::Context;
use super::layout::round_up;
use crate::builtins::is_tick;
use crate::ir::{BinOp, Cond, Helper, Type, Value, Width};
use crate::kernel::Attach;
use crate::manifest::{Datum, DatumKind, copied};

/// The least unit that can be readable or not.
const PAGE: u32 = 4096;

/// How many callers are known of those whose returns are probed: one for each function that is and
/// hasn't returned yet.
const RETURNS: u32 = 16;

impl Context<'_, '_> {
    /// Size and kind of a user stack in a record, by its size without a copy.
    pub(super) fn recorded_stack(&self, size: u32) -> (u32, DatumKind) {
        let copy = round_up(self.unit.options.ustackcopy, 8);
        let frames = size / 8 - 1;
        if copy == 0 || frames == 0 {
            return (size, DatumKind::UserStack);
        }
        let sites = self.unit.program.enablings.iter().flat_map(|e| &e.sites);
        let mut attached = sites.map(|s| &s.attach);
        let probed = attached.any(|attach| matches!(attach, Attach::Uretprobe(_)));
        let returns = if probed { RETURNS } else { 0 };
        (copied::bytes(frames, returns) + copy, DatumKind::CopiedStack { frames, returns })
    }

    /// Stores a stack with its copy.
    pub(super) fn store_copied_stack(
        &mut self,
        at: Value,
        datum: &Datum,
        (frames, returns): (u32, u32),
    ) {
        let offset = datum.offset;
        let addresses = Datum { offset, size: copied::registers(frames), kind: datum.kind };
        self.store_stack(at, &addresses, false);
        let length = offset + copied::length(frames);
        if is_tick(self.attach()) {
            return self.b.store_imm(Width::W64, at, length as i32, 0);
        }
        let registers = offset + copied::registers(frames);
        self.store_registers(at, registers);
        let register = |n: u32| (registers + 8 * n) as i32;
        let mode = self.b.load(Width::W64, false, at, register(copied::MODE));
        let mode = self.b.binary_imm(BinOp::And, mode, copied::MODE_BITS);
        let (user, done) = (self.b.block(&[]), self.b.block(&[Type::I64]));
        let (mode_of_user, none) = (self.int(copied::USER_MODE), self.int(0));
        let targets = (Self::to(user, &[]), Self::to(done, &[none]));
        self.b.branch_with(Cond::Eq, mode, mode_of_user, targets.0, targets.1);
        self.b.switch_to(user);
        let from = self.b.load(Width::W64, false, at, register(copied::SP));
        self.store_returns(at, offset + copied::returns(frames), returns);
        let bytes = copied::bytes(frames, returns);
        let to = self.b.add_imm(at, i64::from(offset + bytes));
        let copied = self.read_while_possible(to, from, datum.size - bytes);
        self.b.jump(done, &[copied]);
        self.b.switch_to(done);
        let copied = self.b.block_param(done, 0);
        self.b.store(Width::W64, at, length as i32, copied);
    }

    /// The registers that the thread had when it left user mode; a thread of the kernel's has
    /// none, which are zeros.
    fn store_registers(&mut self, at: Value, offset: u32) {
        let task = self.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
        let from = self.helper(Helper::TASK_PT_REGS, &[task]);
        let to = self.b.add_imm(at, i64::from(offset));
        let size = self.int(i64::from(8 * copied::REGISTERS));
        self.helper(Helper::PROBE_READ_KERNEL, &[to, size, from]);
    }

    /// The returns that the kernel has changed to come to know of them; behind the last, loads of
    /// nothing give zeros.
    fn store_returns(&mut self, at: Value, offset: u32, returns: u32) {
        if returns == 0 {
            return;
        }
        let fields = [
            ("task_struct", "utask"),
            ("uprobe_task", "return_instances"),
            ("return_instance", "stack"),
            ("return_instance", "orig_ret_vaddr"),
            ("return_instance", "next"),
        ];
        let fields = fields.map(|(record, name)| self.field_of(record, &[name]));
        let [Some(probed), Some(first), Some(place), Some(original), Some(next)] = fields else {
            return self.clear(at, offset, 16 * returns);
        };
        let task = self.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
        let probed = self.b.load_field(Type::Ptr, Width::W64, false, task, probed);
        let mut instance = self.b.load_field(Type::Ptr, Width::W64, false, probed, first);
        for i in 0..returns {
            let to = (offset + 16 * i) as i32;
            for (field, to) in [(place, to), (original, to + 8)] {
                let word = self.b.load_field(Type::I64, Width::W64, false, instance, field);
                self.b.store(Width::W64, at, to, word);
            }
            if i + 1 < returns {
                instance = self.b.load_field(Type::Ptr, Width::W64, false, instance, next);
            }
        }
    }

    /// Reads up to `size` bytes of user memory; how many that were.
    fn read_while_possible(&mut self, to: Value, from: Value, size: u32) -> Value {
        let done = self.b.block(&[Type::I64]);
        let (all, zero) = (self.int(i64::from(size)), self.int(0));
        let whole = self.up_to_beginning(from, all);
        let result = self.helper(Helper::PROBE_READ_USER, &[to, whole, from]);
        self.go_on_unless(Cond::Eq, result, zero, (done, whole));
        // What is left of the first page.
        let within = self.b.binary_imm(BinOp::And, from, i64::from(PAGE) - 1);
        let page = self.int(i64::from(PAGE));
        let mut read = self.b.binary(BinOp::Sub, page, within);
        self.go_on_unless(Cond::UGe, read, all, (done, zero));
        let result = self.helper(Helper::PROBE_READ_USER, &[to, read, from]);
        self.go_on_unless(Cond::Ne, result, zero, (done, zero));
        for _ in 0..(size - 1) / PAGE {
            let last = self.int(i64::from(size - PAGE));
            self.go_on_unless(Cond::UGt, read, last, (done, read));
            let to = self.b.binary(BinOp::Add, to, read);
            let from = self.b.binary(BinOp::Add, from, read);
            let result = self.helper(Helper::PROBE_READ_USER, &[to, page, from]);
            self.go_on_unless(Cond::Ne, result, zero, (done, read));
            read = self.b.add_imm(read, i64::from(PAGE));
        }
        self.b.jump(done, &[read]);
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    /// Bytes from an address to where the stack of the process's first thread began, if these are
    /// fewer than `all`.
    fn up_to_beginning(&mut self, from: Value, all: Value) -> Value {
        let fields =
            (self.field_of("task_struct", &["mm"]), self.field_of("mm_struct", &["start_stack"]));
        let (Some(mm), Some(start)) = fields else { return all };
        let task = self.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
        let mm = self.b.load_field(Type::Ptr, Width::W64, false, task, mm);
        let beginning = self.b.load_field(Type::I64, Width::W64, false, mm, start);
        // What lies above it is as much as can be.
        let bytes = self.b.binary(BinOp::Sub, beginning, from);
        self.select(Cond::ULt, bytes, all, bytes, all)
    }

    /// Goes to a block with a value if the comparison holds, and on if it doesn't.
    fn go_on_unless(
        &mut self,
        cond: Cond,
        a: Value,
        b: Value,
        (leave, with): (crate::ir::BlockId, Value),
    ) {
        let on = self.b.block(&[]);
        self.b.branch_with(cond, a, b, Self::to(leave, &[with]), Self::to(on, &[]));
        self.b.switch_to(on);
    }
}
