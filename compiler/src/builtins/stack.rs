//! Stacks: `stack()`, `ustack()`, `caller`, `stackdepth` and their user twins.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, Variable, optional};
use crate::ir::{BinOp, Cond, Helper, Value, Width};
use crate::kernel::Attach;
use crate::manifest::{Datum, DatumKind};
use crate::types::Type;

pub(super) const VARIABLES: &[Variable] = &[
    variable("caller", "uintptr_t", "the return address of the current kernel function", |cx| {
        frame(cx, 1, false)
    }),
    variable("ucaller", "uint64_t", "the return address of the current user function", |cx| {
        frame(cx, 1, true)
    }),
    variable("stackdepth", "uint32_t", "the number of frames on the kernel stack", |cx| {
        depth(cx, false)
    }),
    variable("ustackdepth", "uint32_t", "the number of frames on the user stack", |cx| {
        depth(cx, true)
    }),
];

pub(super) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "stack",
        result: ResultType::Stack { user: false },
        params: &[optional(ParamKind::Count)],
        doc: "the kernel stack, innermost frame first",
        allocates: false,
        lower: stack,
    },
    Subroutine {
        name: "ustack",
        result: ResultType::Stack { user: true },
        params: &[optional(ParamKind::Count), optional(ParamKind::Count)],
        doc: "the user stack, innermost frame first",
        allocates: false,
        lower: stack,
    },
];

/// Most frames that the kernel takes (perf_event_max_stack).
const MAX_FRAMES: u32 = 127;
const BPF_F_USER_STACK: i64 = 1 << 8;

const fn variable(
    name: &'static str,
    ty: &'static str,
    doc: &'static str,
    lower: fn(&mut Context) -> Operand,
) -> Variable {
    Variable { name, ty, text_bound: None, doc, lower }
}

fn stack(cx: &mut Context, call: &Call) -> Operand {
    let (frames, user) = match cx.types().resolved(call.expr.ty) {
        Type::UserStack(n) => (*n, true),
        Type::Stack(n) => (*n, false),
        _ => (0, false),
    };
    Operand::Stack { size: 8 * frames, user }
}

/// Kernel frames between a program and the event that it is attached to: the program
/// itself and what called it.
fn frames_of_bpf(attach: &Attach) -> i64 {
    match attach {
        // The program, bpf_trace_runN, and the event's __bpf_trace_… or __traceiter_….
        Attach::Tracepoint { .. }
        | Attach::RawTracepoint { .. }
        | Attach::SyscallEntry { .. }
        | Attach::SyscallReturn { .. } => 3,
        // The program and its trampoline.
        Attach::Fentry { .. } | Attach::Fexit { .. } => 2,
        _ => 0,
    }
}

/// Whether the runtime runs the program, so that all of the kernel's frames are of that.
fn is_run(attach: &Attach) -> bool {
    matches!(attach, Attach::Begin | Attach::End | Attach::Tick { .. })
}

/// Whether no user process has to do with it.
pub(crate) fn is_tick(attach: &Attach) -> bool {
    matches!(attach, Attach::Tick { .. })
}

impl Context<'_, '_> {
    /// The kernel address that the program was called from.
    pub(crate) fn caller_of_program(&mut self) -> Value {
        let at = self.memory(8);
        self.clear(at, 0, 8);
        let (bpf, size, skip) = (self.bpf_context(), self.int(8), self.int(1));
        self.helper(Helper::GET_STACK, &[bpf, at, size, skip]);
        self.b.load(Width::W64, false, at, 0)
    }

    /// Takes a stack of `size` bytes into memory; the number of bytes taken, or negative.
    fn take_stack(&mut self, at: Value, size: u32, user: bool) -> Value {
        let none = if user { is_tick(self.attach()) } else { is_run(self.attach()) };
        if none {
            return self.int(-1);
        }
        let skip = if user { BPF_F_USER_STACK } else { frames_of_bpf(self.attach()) };
        let (bpf, size, flags) = (self.bpf_context(), self.int(i64::from(size)), self.int(skip));
        self.helper(Helper::GET_STACK, &[bpf, at, size, flags])
    }

    /// Stores the current stack where a record or key wants it; what is not used of it is
    /// zero (all of it in a key, the first word in a record).
    pub(crate) fn store_stack(&mut self, at: Value, datum: &Datum, pad: bool) {
        let user = datum.kind != DatumKind::Stack;
        let mut offset = datum.offset;
        let mut size = datum.size;
        if user {
            let tgid = self.process_id();
            self.b.store(Width::W64, at, offset as i32, tgid);
            offset += 8;
            size -= 8;
        }
        if size == 0 {
            return;
        }
        let to = self.b.add_imm(at, i64::from(offset));
        let taken = self.take_stack(to, size, user);
        self.clear_untaken(to, taken, if pad { size } else { 8 });
    }

    /// Zero where no stack was taken. Behind one that was the helper makes it zero itself; but it
    /// touches nothing where its own memory is in use, as it is in the third event that
    /// interrupts another.
    fn clear_untaken(&mut self, at: Value, taken: Value, size: u32) {
        let (none, done) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(Cond::SLt, taken, 0, none, done);
        self.b.switch_to(none);
        self.clear(at, 0, size);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }
}

fn frame(cx: &mut Context, n: u32, user: bool) -> Operand {
    let size = 8 * (n + 1);
    let at = cx.memory(size);
    cx.clear(at, 0, size);
    cx.take_stack(at, size, user);
    Operand::Number(cx.b.load(Width::W64, false, at, 8 * n as i32))
}

fn depth(cx: &mut Context, user: bool) -> Operand {
    let most = cx.unit.options.maxframes.clamp(1, MAX_FRAMES);
    let at = cx.scratch(8 * most);
    let taken = cx.take_stack(at, 8 * most, user);
    let zero = cx.int(0);
    let taken = cx.select(Cond::SLt, taken, zero, zero, taken);
    Operand::Number(cx.b.binary_imm(BinOp::LShr, taken, 3))
}
