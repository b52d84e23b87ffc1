//! What operations are: which values they read, what they may touch, what they compute.
//!
//! In: one [`Op`] or [`Terminator`]. Out: its operands in order, in place or by value.
//! Every pass goes through here, so that a new operation is described once.

use super::{BinOp, Cond, Function, Helper, Inst, Op, Target, Terminator, Type, UnOp, Value};

impl Function {
    /// By value: the number that it is, if an operation says so outright.
    pub fn constants(&self) -> Vec<Option<i64>> {
        let mut constants = vec![None; self.values.len()];
        for inst in self.blocks.iter().flat_map(|b| &b.insts) {
            if let (Some(v), Op::Const(n)) = (inst.result, &inst.op) {
                constants[v.index()] = Some(*n);
            }
        }
        constants
    }
}

impl Op {
    /// Calls `f` with each operand, in order; `f` may replace it.
    pub fn map_uses(&mut self, mut f: impl FnMut(&mut Value)) {
        match self {
            Op::Const(_)
            | Op::FieldInfo(..)
            | Op::Map(_)
            | Op::Rodata(_)
            | Op::Bss(_)
            | Op::FaultPc(_)
            | Op::Slot(_)
            | Op::Function(_)
            | Op::KernelFunction(_)
            | Op::CallKernel(_) => {}
            Op::Unary(_, a) => f(a),
            Op::Load { base, .. } => f(base),
            Op::Binary(_, a, b) | Op::Compare(_, a, b) => {
                f(a);
                f(b);
            }
            Op::Store { base, value, .. }
            | Op::AtomicAdd { base, value, .. }
            | Op::AtomicFetchAdd { base, value, .. } => {
                f(base);
                f(value);
            }
            Op::AtomicCompareExchange { base, expected, new, .. } => {
                f(base);
                f(expected);
                f(new);
            }
            Op::Helper(_, args) | Op::Call(_, args) => args.iter_mut().for_each(f),
        }
    }

    /// Calls `f` with each operand, in order.
    pub fn for_each_use(&self, mut f: impl FnMut(Value)) {
        match self {
            Op::Const(_)
            | Op::FieldInfo(..)
            | Op::Map(_)
            | Op::Rodata(_)
            | Op::Bss(_)
            | Op::FaultPc(_)
            | Op::Slot(_)
            | Op::Function(_)
            | Op::KernelFunction(_)
            | Op::CallKernel(_) => {}
            Op::Unary(_, a) => f(*a),
            Op::Load { base, .. } => f(*base),
            Op::Binary(_, a, b) | Op::Compare(_, a, b) => {
                f(*a);
                f(*b);
            }
            Op::Store { base, value, .. }
            | Op::AtomicAdd { base, value, .. }
            | Op::AtomicFetchAdd { base, value, .. } => {
                f(*base);
                f(*value);
            }
            Op::AtomicCompareExchange { base, expected, new, .. } => {
                f(*base);
                f(*expected);
                f(*new);
            }
            Op::Helper(_, args) | Op::Call(_, args) => args.iter().copied().for_each(f),
        }
    }

    /// Whether it does nothing but give its result, so that it may go if that is unused.
    /// Loads count: the verifier sees to it that they don't fault.
    pub fn is_removable(&self) -> bool {
        !matches!(
            self,
            Op::Store { .. }
                | Op::AtomicAdd { .. }
                | Op::AtomicCompareExchange { .. }
                | Op::AtomicFetchAdd { .. }
                | Op::Helper(..)
                | Op::Call(..)
                | Op::CallKernel(_)
        )
    }

    /// Whether its result depends on its operands alone, not on memory or time.
    pub fn is_pure(&self) -> bool {
        self.is_removable() && !matches!(self, Op::Load { .. })
    }
}

impl Op {
    /// The type of its result when nothing else is said; only loads and helpers may
    /// differ. `ty` gives the types of operands.
    pub fn usual_type(&self, ty: impl Fn(Value) -> Type) -> Type {
        let ptr = |v: &Value| ty(*v) == Type::Ptr;
        let is_pointer = match self {
            Op::Binary(BinOp::Add, a, b) => ptr(a) || ptr(b),
            Op::Binary(BinOp::Sub, a, b) => ptr(a) && !ptr(b),
            Op::Map(_)
            | Op::Rodata(_)
            | Op::Bss(_)
            | Op::Slot(_)
            | Op::Function(_)
            | Op::KernelFunction(_) => true,
            Op::Helper(helper, _) => helper.returns_pointer(),
            _ => false,
        };
        if is_pointer { Type::Ptr } else { Type::I64 }
    }
}

impl Inst {
    /// Calls `f` with each operand, in order.
    pub fn for_each_use(&self, f: impl FnMut(Value)) {
        self.op.for_each_use(f);
    }
}

impl Terminator {
    /// Where it may go, in order; the same block may come twice.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        let (a, b) = match self {
            Terminator::Missing | Terminator::Return(_) => (None, None),
            Terminator::Jump(t) => (Some(t), None),
            Terminator::Branch { then, otherwise, .. } => (Some(then), Some(otherwise)),
        };
        a.into_iter().chain(b)
    }

    /// The same, to be changed.
    pub fn targets_mut(&mut self) -> impl Iterator<Item = &mut Target> {
        let (a, b) = match self {
            Terminator::Missing | Terminator::Return(_) => (None, None),
            Terminator::Jump(t) => (Some(t), None),
            Terminator::Branch { then, otherwise, .. } => (Some(then), Some(otherwise)),
        };
        a.into_iter().chain(b)
    }

    /// Calls `f` with each value that it reads, block arguments last.
    pub fn for_each_use(&self, mut f: impl FnMut(Value)) {
        match self {
            Terminator::Branch { a, b, .. } => {
                f(*a);
                f(*b);
            }
            Terminator::Return(Some(v)) => f(*v),
            Terminator::Missing | Terminator::Jump(_) | Terminator::Return(None) => {}
        }
        self.targets().flat_map(|t| &t.args).for_each(|v| f(*v));
    }

    /// Calls `f` with each value that it reads, block arguments last; `f` may replace it.
    pub fn map_uses(&mut self, mut f: impl FnMut(&mut Value)) {
        match self {
            Terminator::Branch { a, b, .. } => {
                f(a);
                f(b);
            }
            Terminator::Return(Some(v)) => f(v),
            Terminator::Missing | Terminator::Jump(_) | Terminator::Return(None) => {}
        }
        self.targets_mut().flat_map(|t| &mut t.args).for_each(f);
    }
}

impl Cond {
    /// Holds exactly when this one doesn't.
    pub fn negate(self) -> Cond {
        match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::ULt => Cond::UGe,
            Cond::ULe => Cond::UGt,
            Cond::UGt => Cond::ULe,
            Cond::UGe => Cond::ULt,
            Cond::SLt => Cond::SGe,
            Cond::SLe => Cond::SGt,
            Cond::SGt => Cond::SLe,
            Cond::SGe => Cond::SLt,
        }
    }

    /// The same comparison with its operands exchanged.
    pub fn swap(self) -> Cond {
        match self {
            Cond::Eq | Cond::Ne => self,
            Cond::ULt => Cond::UGt,
            Cond::ULe => Cond::UGe,
            Cond::UGt => Cond::ULt,
            Cond::UGe => Cond::ULe,
            Cond::SLt => Cond::SGt,
            Cond::SLe => Cond::SGe,
            Cond::SGt => Cond::SLt,
            Cond::SGe => Cond::SLe,
        }
    }

    /// Whether it holds for two numbers.
    pub fn holds(self, a: i64, b: i64) -> bool {
        let (ua, ub) = (a as u64, b as u64);
        match self {
            Cond::Eq => a == b,
            Cond::Ne => a != b,
            Cond::ULt => ua < ub,
            Cond::ULe => ua <= ub,
            Cond::UGt => ua > ub,
            Cond::UGe => ua >= ub,
            Cond::SLt => a < b,
            Cond::SLe => a <= b,
            Cond::SGt => a > b,
            Cond::SGe => a >= b,
        }
    }
}

impl BinOp {
    /// Whether its operands may be exchanged.
    pub fn is_commutative(self) -> bool {
        matches!(self, BinOp::Add | BinOp::Mul | BinOp::And | BinOp::Or | BinOp::Xor)
    }

    /// Its result for two numbers, by zero included.
    pub fn eval(self, a: i64, b: i64) -> i64 {
        let (ua, ub) = (a as u64, b as u64);
        match self {
            BinOp::Add => a.wrapping_add(b),
            BinOp::Sub => a.wrapping_sub(b),
            BinOp::Mul => a.wrapping_mul(b),
            BinOp::UDiv => ua.checked_div(ub).unwrap_or(0) as i64,
            BinOp::URem => ua.checked_rem(ub).unwrap_or(ua) as i64,
            BinOp::SDiv if b == 0 => 0,
            BinOp::SDiv => a.wrapping_div(b),
            BinOp::SRem if b == 0 => a,
            BinOp::SRem => a.wrapping_rem(b),
            BinOp::And => a & b,
            BinOp::Or => a | b,
            BinOp::Xor => a ^ b,
            BinOp::Shl => a.wrapping_shl(ub as u32),
            BinOp::LShr => ua.wrapping_shr(ub as u32) as i64,
            BinOp::AShr => a.wrapping_shr(ub as u32),
        }
    }
}

impl UnOp {
    /// Its result for a number.
    pub fn eval(self, a: i64) -> i64 {
        match self {
            UnOp::Neg => a.wrapping_neg(),
            UnOp::Not => !a,
            UnOp::Sext8 => (a as i8).into(),
            UnOp::Sext16 => (a as i16).into(),
            UnOp::Sext32 => (a as i32).into(),
            UnOp::Zext8 => (a as u8).into(),
            UnOp::Zext16 => (a as u16).into(),
            UnOp::Zext32 => (a as u32).into(),
            UnOp::Address => a,
            UnOp::Bswap16 => (a as u16).swap_bytes().into(),
            UnOp::Bswap32 => (a as u32).swap_bytes().into(),
            UnOp::Bswap64 => a.swap_bytes(),
        }
    }
}

impl Helper {
    /// Whether its answer is the same throughout one run of a program.
    pub fn is_fixed(self) -> bool {
        matches!(
            self,
            Helper::GET_SMP_PROCESSOR_ID
                | Helper::GET_CURRENT_PID_TGID
                | Helper::GET_CURRENT_UID_GID
                | Helper::GET_CURRENT_TASK
                | Helper::GET_CURRENT_TASK_BTF
                | Helper::GET_CURRENT_CGROUP_ID
                | Helper::GET_FUNC_IP
                | Helper::GET_ATTACH_COOKIE
                | Helper::TASK_PT_REGS
        )
    }

    /// Whether it changes nothing that a program could notice, so that it may go if its
    /// result is unused and loads may be kept across it.
    pub fn only_reads(self) -> bool {
        self.is_fixed()
            || matches!(
                self,
                Helper::MAP_LOOKUP_ELEM
                    | Helper::KTIME_GET_NS
                    | Helper::KTIME_GET_BOOT_NS
                    | Helper::KTIME_GET_TAI_NS
                    | Helper::JIFFIES64
                    | Helper::GET_PRANDOM_U32
                    | Helper::RINGBUF_QUERY
                    | Helper::STRNCMP
            )
    }

    /// The argument that it writes through, and whether it may change anything else; none if it
    /// writes through no argument. Only of those that do more than read.
    pub fn writes_to(self) -> Option<(usize, bool)> {
        match self {
            Helper::PROBE_READ_USER
            | Helper::PROBE_READ_KERNEL
            | Helper::PROBE_READ_USER_STR
            | Helper::PROBE_READ_KERNEL_STR
            | Helper::GET_CURRENT_COMM => Some((0, false)),
            Helper::GET_STACK | Helper::GET_TASK_STACK | Helper::D_PATH => Some((1, false)),
            Helper::MAP_POP_ELEM | Helper::MAP_PEEK_ELEM => Some((1, true)),
            _ => None,
        }
    }
}
