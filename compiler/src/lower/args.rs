//! `arg0` … `arg9` and `args[]`: what an event passes, by how the program is attached.
//!
//! In: the site and the number of the argument. Out: a number, or a pointer that the
//! verifier trusts where the event is typed and the argument points to a struct. All
//! that is peculiar to an architecture's registers is in [`Registers`].

use super::context::{Context, Operand};
use crate::btf::{Btf, BtfType};
use crate::ir::{BinOp, Cond, Helper, Type, Value, Width};
use crate::kernel::{Attach, MarkerArg, MarkerPlace};
use crate::manifest::Fault;
use crate::prototype::Words;
use std::rc::Rc;
use strand_grammar::source::Span;

/// Byte offsets in `struct pt_regs`.
pub(super) struct Registers {
    /// Function arguments.
    params: &'static [i32],
    /// System-call arguments.
    pub syscall: [i32; 6],
    /// Those of a 32-bit program's call.
    pub compat: [i32; 6],
    ret: i32,
    pc: i32,
    sp: i32,
    /// Where the privilege level is, and its bits that are not 0 in user mode.
    mode: (i32, i64),
    /// Bytes between the stack pointer at a function's entry and its first stack argument.
    stack_args: i64,
}

/// x86-64: `r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss`.
pub(super) const REGISTERS: Registers = Registers {
    params: &[112, 104, 96, 88, 72, 64],
    syscall: [112, 104, 96, 56, 72, 64],
    compat: [40, 88, 96, 104, 112, 32],
    ret: 80,
    pc: 128,
    sp: 152,
    mode: (136, 3),
    stack_args: 8,
};

/// Where the number of the system call is while it runs (`orig_ax`).
pub(crate) const SYSCALL_NUMBER: i32 = 120;

/// Where the code segment is, and which 64-bit code has.
pub(crate) const CODE_SEGMENT: (i32, i64) = (136, 0x33);

/// Registers that are alike while a call of 64-bit code runs: its instruction leaves in `cx` what
/// it returns to, `ip`.
pub(crate) const ALIKE_IN_CALLS: [i32; 2] = [88, 128];

/// What the verifier makes of a word of a typed event's context.
enum Class {
    /// A number.
    Number,
    /// A trusted pointer to this record.
    Record(Rc<(Option<String>, u32)>),
    /// Something that the verifier doesn't let a program load.
    Refused,
}

fn classify(btf: &Btf, module: &Option<String>, ty: u32) -> Class {
    match btf.ty(btf.resolve(ty)) {
        BtfType::Int { .. } | BtfType::Enum { .. } => Class::Number,
        BtfType::Pointer(to) => {
            let to = btf.resolve(to);
            match btf.ty(to) {
                BtfType::Record { .. } => {
                    // A module's type may be the kernel's own.
                    let module = module.clone().filter(|_| to >= btf.first());
                    Class::Record(Rc::new((module, to)))
                }
                BtfType::Void | BtfType::Int { .. } => Class::Number,
                _ => Class::Refused,
            }
        }
        _ => Class::Refused,
    }
}

impl Context<'_, '_> {
    /// The n-th word that the event passes; 0 if it has fewer. Reading it can fault.
    pub fn raw_arg(&mut self, n: u8, span: Span) -> Operand {
        let site = self.env.site.clone();
        let bpf = self.env.bpf;
        let i = usize::from(n);
        let number = match &site.attach {
            // The kernel's side is where the program is run from; there is no user's side.
            Attach::Tick { .. } if n == 0 => self.caller_of_program(),
            Attach::Begin | Attach::End | Attach::Tick { .. } => self.int(0),
            Attach::Error => match self.env.error_args {
                Some(args) if i < args.len() => args[i],
                _ => self.int(0),
            },
            Attach::Tracepoint { args, .. } | Attach::Fentry { args, .. } if n < *args => {
                return self.typed_arg(n);
            }
            // arg0 is where it returned from, which fexit doesn't tell; arg1 the value. What
            // the function was called with follows, for providers.
            Attach::Fexit { args, .. } => match n {
                0 => self.int(-1),
                1 => return self.typed_arg(*args),
                n if n - 2 < *args => return self.typed_arg(n - 2),
                _ => self.int(0),
            },
            Attach::RawTracepoint { args, .. } if n < *args => {
                self.b.load(Width::W64, false, bpf, 8 * i32::from(n))
            }
            Attach::Tracepoint { .. } | Attach::RawTracepoint { .. } | Attach::Fentry { .. } => {
                self.int(0)
            }
            Attach::SyscallEntry { args, .. } => {
                if i < self.args_of_call(*args) {
                    self.call_arg(i)
                } else {
                    self.int(0)
                }
            }
            Attach::SyscallReturn { .. } if i < 2 => self.b.load(Width::W64, false, bpf, 8),
            Attach::SyscallReturn { .. } => self.int(0),
            Attach::Kprobe { .. } => self.function_arg(i, Helper::PROBE_READ_KERNEL),
            Attach::Uprobe(_) => self.function_arg(i, Helper::PROBE_READ_USER),
            Attach::Usdt { args, .. } => match args.get(i) {
                Some(arg) => self.marker_arg(arg, span),
                None => self.int(0),
            },
            Attach::Kretprobe { .. } | Attach::Uretprobe(_) => match n {
                0 => self.int(-1),
                1 => self.b.load(Width::W64, false, bpf, REGISTERS.ret),
                _ => self.int(0),
            },
            Attach::Sample { .. } if i < 2 => self.sampled_pc(i == 1),
            Attach::Sample { .. } => self.int(0),
        };
        Operand::Number(number)
    }

    fn typed_arg(&mut self, n: u8) -> Operand {
        let attach = self.env.site.attach.clone();
        let kernel = self.unit.kernel;
        let class = Words::of(&attach, &|module| kernel.types_of(module))
            .and_then(|words| {
                words.types.get(usize::from(n)).map(|ty| classify(&words.btf, &words.module, *ty))
            })
            .unwrap_or(Class::Refused);
        let offset = 8 * i32::from(n);
        match class {
            Class::Number => Operand::Number(self.b.load(Width::W64, false, self.env.bpf, offset)),
            Class::Record(record) => {
                let p = self.b.load_ptr(self.env.bpf, offset);
                Operand::Trusted(p, record)
            }
            Class::Refused => {
                // The word itself is plain memory to the helper.
                let at = self.memory(8);
                let from = self.b.add_imm(self.env.bpf, i64::from(offset));
                let n = self.int(8);
                self.helper(Helper::PROBE_READ_KERNEL, &[at, n, from]);
                Operand::Number(self.b.load(Width::W64, false, at, 0))
            }
        }
    }

    fn function_arg(&mut self, n: usize, read: Helper) -> Value {
        let bpf = self.env.bpf;
        if let Some(offset) = REGISTERS.params.get(n) {
            return self.b.load(Width::W64, false, bpf, *offset);
        }
        let sp = self.b.load(Width::W64, false, bpf, REGISTERS.sp);
        let beyond = (n - REGISTERS.params.len()) as i64;
        let from = self.b.add_imm(sp, REGISTERS.stack_args + 8 * beyond);
        let at = self.memory(8);
        self.b.store_imm(Width::W64, at, 0, 0);
        let size = self.int(8);
        self.helper(read, &[at, size, from]);
        self.b.load(Width::W64, false, at, 0)
    }

    /// What a marker passes, from where it keeps it.
    fn marker_arg(&mut self, arg: &MarkerArg, span: Span) -> Value {
        let bpf = self.env.bpf;
        let register =
            |cx: &mut Self, offset: u16| cx.b.load(Width::W64, false, bpf, i32::from(offset));
        let width = match arg.size {
            1 => Width::W8,
            2 => Width::W16,
            4 => Width::W32,
            _ => Width::W64,
        };
        let value = match &arg.at {
            MarkerPlace::Constant(n) => self.int(*n),
            // What can't be read has no type either, so that only `argN` comes here.
            MarkerPlace::Elsewhere(_) => self.int(0),
            // The whole register is read, as the verifier lets nothing narrower be.
            MarkerPlace::Register(offset) => {
                let word = register(self, offset & !7);
                match offset & 7 {
                    0 => word,
                    within => self.b.binary_imm(BinOp::LShr, word, i64::from(8 * within)),
                }
            }
            MarkerPlace::Memory { base, index, displacement } => {
                let mut address = self.int(*displacement);
                if let Some(base) = base {
                    let base = register(self, *base);
                    address = self.b.binary(BinOp::Add, base, address);
                }
                if let Some((index, shift)) = index {
                    let index = register(self, *index);
                    let index = self.b.binary_imm(BinOp::Shl, index, i64::from(*shift));
                    address = self.b.binary(BinOp::Add, address, index);
                }
                let at = self.memory(8);
                let size = self.int(arg.size.into());
                let result = self.helper(Helper::PROBE_READ_USER, &[at, size, address]);
                self.fault_if_negative(result, Fault::BadAddress, address, span);
                return self.b.load(width, arg.signed, at, 0);
            }
        };
        if width == Width::W64 {
            return value;
        }
        let unused = 64 - 8 * i64::from(arg.size);
        let value = self.b.binary_imm(BinOp::Shl, value, unused);
        let back = if arg.signed { BinOp::AShr } else { BinOp::LShr };
        self.b.binary_imm(back, value, unused)
    }

    /// The sampled program counter if it is of that side, else 0.
    fn sampled_pc(&mut self, user: bool) -> Value {
        let bpf = self.env.bpf;
        let pc = self.b.load(Width::W64, false, bpf, REGISTERS.pc);
        let mode = self.b.load(Width::W64, false, bpf, REGISTERS.mode.0);
        let mode = self.b.binary_imm(BinOp::And, mode, REGISTERS.mode.1);
        let done = self.b.block(&[Type::I64]);
        let zero = self.int(0);
        let target = |args: Value| crate::ir::Target { block: done, args: vec![args] };
        let cond = if user { Cond::Ne } else { Cond::Eq };
        self.b.branch_with(cond, mode, zero, target(pc), target(zero));
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    /// The error number of a returning system call, 0 if it succeeded or this is none.
    pub fn syscall_errno(&mut self) -> Value {
        if !matches!(self.attach(), Attach::SyscallReturn { .. }) {
            return self.int(0);
        }
        const MAX_ERRNO: i64 = 4095;
        let ret = self.b.load(Width::W64, false, self.env.bpf, 8);
        let negated = self.b.unary(crate::ir::UnOp::Neg, ret);
        let done = self.b.block(&[Type::I64]);
        let zero = self.int(0);
        let limit = self.int(MAX_ERRNO);
        let target = |args: Value| crate::ir::Target { block: done, args: vec![args] };
        // -1 … -4095 as an unsigned number negated is 1 … 4095; anything else is above.
        self.b.branch_with(Cond::ULe, negated, limit, target(negated), target(zero));
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }
}
