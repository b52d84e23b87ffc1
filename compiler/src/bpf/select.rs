//! Chooses machine instructions.
//!
//! In: a [`Prepared`] function. Out: a [`MachFunction`] over virtual registers.
//!
//! Goes backwards, from uses to definitions, so that an operation which its users
//! took into themselves (a constant into an immediate, an addition into an offset) is
//! never emitted. What costs no more than a move to make (numbers, addresses of slots
//! and maps) is made anew at each use rather than kept in one of ten registers.

use super::insn::{alu, alu_op};
use super::mach::{Address, Kind, MachBlock, MachFunction, MachInst, Source, preg, vreg};
use super::prepare::Prepared;
use super::{Error, RelocationTarget};
use crate::ir::{
    BinOp, BlockId, Cond, FieldInfo, Function, Inst, Module, Offset, Op, SlotId, Terminator, Type,
    UnOp, Value, Width,
};
use regalloc2::{Block, Operand, VReg};
use strand_grammar::source::Span;

/// Selects instructions for a function.
pub fn select(prepared: &Prepared, module: &Module) -> Result<MachFunction, Error> {
    let function = &prepared.function;
    let mut defs = vec![None; function.values.len()];
    for inst in function.blocks.iter().flat_map(|b| &b.insts) {
        if let Some(v) = inst.result {
            defs[v.index()] = Some(&inst.op);
        }
    }
    let mut selector = Selector {
        function,
        module,
        refined: &prepared.refined,
        crosses: super::crossing::crossing(prepared),
        defs,
        needed: vec![false; function.values.len()],
        mach: MachFunction { vregs: function.values.len(), ..MachFunction::default() },
        pending: Vec::new(),
        span: None,
    };
    selector.function()?;
    Ok(selector.mach)
}

/// What a pointer is once constant additions are taken off it.
#[derive(Clone, Copy)]
enum Base {
    Value(Value),
    Slot(SlotId),
    Rodata(u32),
    Bss(u32),
}

struct Selector<'a> {
    function: &'a Function,
    module: &'a Module,
    refined: &'a [[Option<Value>; 2]],
    /// By value: whether it lives across a call.
    crosses: Vec<bool>,
    /// By value: the operation that defines it, unless it is a parameter.
    defs: Vec<Option<&'a Op>>,
    /// By value: whether something emitted so far reads it in a register.
    needed: Vec<bool>,
    /// Instructions are in reverse order until the end.
    mach: MachFunction,
    /// Instructions for the current operation, in order.
    pending: Vec<MachInst>,
    span: Option<Span>,
}

impl Selector<'_> {
    fn function(&mut self) -> Result<(), Error> {
        let n = self.function.blocks.len();
        self.mach.blocks = (0..n).map(|_| MachBlock::default()).collect();
        for b in (0..n).rev() {
            self.mach.blocks[b].end = self.mach.insts.len() as u32;
            self.block(b)?;
            if b == 0 {
                self.params();
            }
            self.mach.blocks[b].start = self.mach.insts.len() as u32;
        }
        let total = self.mach.insts.len() as u32;
        self.mach.insts.reverse();
        for block in &mut self.mach.blocks {
            (block.start, block.end) = (total - block.start, total - block.end);
        }
        Ok(())
    }

    fn block(&mut self, b: usize) -> Result<(), Error> {
        let block = &self.function.blocks[b];
        self.mach.blocks[b].params = block.params.iter().map(|v| vreg(v.index())).collect();
        for t in block.term.targets() {
            self.mach.blocks[b].succs.push(Block::new(t.block.index()));
            self.mach.blocks[t.block.index()].preds.push(Block::new(b));
        }
        self.span = block.insts.last().and_then(|i| i.span);
        self.terminator(BlockId(b as u32))?;
        self.flush();
        for inst in block.insts.iter().rev() {
            let needed = inst.result.is_some_and(|v| self.needed[v.index()]);
            if needed || !inst.op.is_removable() {
                self.span = inst.span;
                self.inst(inst)?;
                self.flush();
            }
        }
        Ok(())
    }

    fn params(&mut self) {
        let mut operands = Vec::new();
        let mut copies = Vec::new();
        for (r, v) in (1..).zip(&self.function.params) {
            if self.needed[v.index()] {
                let (v, copied) = self.fixed(*v);
                operands.push(Operand::reg_fixed_def(v, preg(r)));
                copies.extend(copied.map(|to| (to, v)));
            }
        }
        if !operands.is_empty() {
            self.span = None;
            self.put(Kind::Params, &operands);
            copies.into_iter().for_each(|(to, from)| self.copy(to, from));
            self.flush();
        }
    }

    fn flush(&mut self) {
        while let Some(inst) = self.pending.pop() {
            self.mach.insts.push(inst);
        }
    }

    fn put(&mut self, kind: Kind, operands: &[Operand]) {
        let start = self.mach.operands.len() as u32;
        self.mach.operands.extend_from_slice(operands);
        self.pending.push(MachInst {
            kind,
            operands: start,
            operand_count: operands.len() as u8,
            span: self.span,
        });
    }

    // ----------------------------------------------------------- operands

    fn temp(&mut self) -> VReg {
        self.mach.vregs += 1;
        vreg(self.mach.vregs - 1)
    }

    /// The value as a number that is known now.
    fn constant(&self, v: Value) -> Option<i64> {
        match self.defs[v.index()] {
            Some(Op::Const(n)) => Some(*n),
            _ => None,
        }
    }

    /// The same if it fits an immediate.
    fn immediate(&self, v: Value) -> Option<i32> {
        self.constant(v).and_then(|n| n.try_into().ok())
    }

    /// Takes constant additions off a pointer.
    fn base(&self, v: Value) -> (Base, i64) {
        let (mut v, mut off) = (v, 0i64);
        loop {
            let (inner, n) = match self.defs[v.index()] {
                Some(Op::Slot(s)) => return (Base::Slot(*s), off),
                Some(Op::Rodata(n)) => return (Base::Rodata(*n), off),
                Some(Op::Bss(n)) => return (Base::Bss(*n), off),
                Some(Op::Binary(BinOp::Add, a, b)) => {
                    match (self.constant(*a), self.constant(*b)) {
                        (None, Some(n)) if self.is_pointer(*a) => (*a, n),
                        (Some(n), None) if self.is_pointer(*b) => (*b, n),
                        _ => return (Base::Value(v), off),
                    }
                }
                Some(Op::Binary(BinOp::Sub, a, b)) if self.is_pointer(*a) => {
                    match self.constant(*b).and_then(i64::checked_neg) {
                        Some(n) => (*a, n),
                        None => return (Base::Value(v), off),
                    }
                }
                _ => return (Base::Value(v), off),
            };
            match off.checked_add(n) {
                Some(sum) => (v, off) = (inner, sum),
                None => return (Base::Value(v), off),
            }
        }
    }

    fn is_pointer(&self, v: Value) -> bool {
        self.function.values[v.index()] == Type::Ptr
    }

    /// A virtual register that holds the value here.
    fn reg(&mut self, v: Value) -> VReg {
        match self.remake(v) {
            Some(kind) => {
                let r = self.temp();
                self.put(kind, &[Operand::reg_def(r)]);
                r
            }
            None => {
                self.needed[v.index()] = true;
                vreg(v.index())
            }
        }
    }

    /// What stands for a value where it has to be in a certain register; and, if that is another
    /// one, the value's own.
    fn fixed(&mut self, v: Value) -> (VReg, Option<VReg>) {
        let own = vreg(v.index());
        if self.crosses[v.index()] { (self.temp(), Some(own)) } else { (own, None) }
    }

    /// How to make the value anew where it is used, if that is cheap.
    fn remake(&self, v: Value) -> Option<Kind> {
        match self.defs[v.index()]? {
            Op::Const(n) => Some(Kind::Number(*n)),
            Op::FieldInfo(f, info) => {
                let (n, target) = self.field_info(*f, *info);
                Some(Kind::Relocated(n, target))
            }
            Op::FaultPc(site) => Some(Kind::FaultPc(*site)),
            Op::Map(m) => Some(Kind::Symbol(RelocationTarget::Map(*m))),
            Op::Function(f) => Some(Kind::Symbol(RelocationTarget::FunctionAddress(*f))),
            Op::KernelFunction(k) => Some(Kind::Symbol(RelocationTarget::KernelAddress(*k))),
            Op::Slot(_) | Op::Rodata(_) | Op::Bss(_) | Op::Binary(..) => {
                let (base, off) = self.base(v);
                let add = |n: u32| u32::try_from(i64::from(n) + off).ok();
                match base {
                    Base::Slot(s) => Some(Kind::FrameAddress(s, i32::try_from(off).ok()?)),
                    Base::Rodata(n) => Some(Kind::Symbol(RelocationTarget::Rodata(add(n)?))),
                    Base::Bss(n) => Some(Kind::Symbol(RelocationTarget::Bss(add(n)?))),
                    Base::Value(_) => None,
                }
            }
            _ => None,
        }
    }

    fn field_info(&self, f: crate::ir::FieldId, info: FieldInfo) -> (i32, RelocationTarget) {
        let n = self.module.fields[f.index()].info(info) as i32;
        (n, RelocationTarget::Field(f, info))
    }

    /// Right side of a comparison: an immediate where possible, else a register (given
    /// back). CO-RE relocates no immediates of jumps.
    fn compared(&mut self, v: Value) -> (Source, Option<VReg>) {
        match self.immediate(v) {
            Some(n) => (Source::Imm(n), None),
            None => (Source::Reg, Some(self.reg(v))),
        }
    }

    /// Right side of arithmetic: the same, but CO-RE relocates it.
    fn source(&mut self, v: Value) -> (Source, Option<VReg>) {
        match self.defs[v.index()] {
            Some(Op::FieldInfo(f, info)) => {
                let (n, target) = self.field_info(*f, *info);
                (Source::Relocated(n, target), None)
            }
            _ => self.compared(v),
        }
    }

    /// Base and offset of a memory access; the register operand, unless in the frame.
    fn address(&mut self, base: Value, offset: i32) -> (Address, Option<VReg>) {
        let (root, more) = self.base(base);
        let total = more + i64::from(offset);
        let fits = i16::try_from(total).is_ok();
        match root {
            Base::Slot(s) if fits => (Address { slot: Some(s), off: total as i32 }, None),
            Base::Value(v) if fits => {
                let r = self.reg(v);
                (Address { slot: None, off: total as i32 }, Some(r))
            }
            _ if i16::try_from(offset).is_ok() => {
                let r = self.reg(base);
                (Address { slot: None, off: offset }, Some(r))
            }
            _ => {
                let (r, sum) = (self.reg(base), self.temp());
                self.alu_imm(sum, alu::ADD, r, offset);
                (Address { slot: None, off: 0 }, Some(sum))
            }
        }
    }

    // --------------------------------------------------------- operations

    fn inst(&mut self, inst: &Inst) -> Result<(), Error> {
        let result = inst.result.map(|v| vreg(v.index()));
        let wanted = inst.result.filter(|v| self.needed[v.index()]);
        match (&inst.op, result) {
            (Op::Binary(op, a, b), Some(r)) => self.binary(r, *op, *a, *b)?,
            (Op::Unary(op, a), Some(r)) => self.unary(r, *op, *a),
            (Op::Compare(cond, a, b), Some(r)) => {
                let (cond, a, b) = self.constant_right(*cond, *a, *b);
                let a = self.reg(a);
                let (source, b) = self.compared(b);
                let mut operands = vec![Operand::reg_use(a)];
                operands.extend(b.map(Operand::reg_use));
                operands.push(Operand::reg_def_at_start(r));
                self.put(Kind::SetIf(cond, source), &operands);
            }
            (Op::Load { width, signed, base, offset }, Some(r)) => {
                self.load(r, *width, *signed, *base, *offset);
            }
            (Op::Store { width, base, offset, value }, _) => {
                self.store(*width, *base, *offset, *value);
            }
            (Op::AtomicAdd { width, base, offset, value }, _) => {
                self.atomic_add(None, *width, *base, *offset, *value);
            }
            (Op::AtomicFetchAdd { width, base, offset, value }, _) => {
                self.atomic_add(wanted.map(|v| vreg(v.index())), *width, *base, *offset, *value);
            }
            (Op::AtomicCompareExchange { width, base, offset, expected, new }, Some(r)) => {
                let (address, base) = self.address(*base, *offset);
                let (new, expected) = (self.reg(*new), self.reg(*expected));
                let mut operands: Vec<_> = base.into_iter().map(Operand::reg_use).collect();
                operands.push(Operand::reg_use(new));
                operands.push(Operand::reg_fixed_use(expected, preg(0)));
                operands.push(Operand::reg_fixed_def(r, preg(0)));
                self.put(Kind::AtomicCompareExchange(*width, address), &operands);
            }
            (Op::Helper(helper, args), _) => self.call(Kind::CallHelper(helper.0), args, wanted),
            (Op::Call(f, args), _) => {
                self.call(Kind::CallFunction(RelocationTarget::Call(*f)), args, wanted);
            }
            (Op::CallKernel(k), _) => {
                self.call(Kind::CallFunction(RelocationTarget::KernelCall(*k)), &[], None);
            }
            // What `remake` makes at each use is never needed in a register.
            (op, _) => return Err(Error::NotSelectable(format!("{op:?}"))),
        }
        Ok(())
    }

    /// Arithmetic in place: the result in the register of the first operand.
    fn alu(&mut self, r: VReg, op: u8, a: VReg, source: Source, b: Option<VReg>) {
        match b {
            Some(b) => self.put(
                Kind::Alu(op, source),
                &[Operand::reg_use(a), Operand::reg_use(b), Operand::reg_reuse_def(r, 0)],
            ),
            None => self
                .put(Kind::Alu(op, source), &[Operand::reg_use(a), Operand::reg_reuse_def(r, 0)]),
        }
    }

    fn alu_imm(&mut self, r: VReg, op: u8, a: VReg, imm: i32) {
        self.alu(r, op, a, Source::Imm(imm), None);
    }

    fn copy(&mut self, r: VReg, a: VReg) {
        self.put(Kind::Move, &[Operand::reg_use(a), Operand::reg_def(r)]);
    }

    fn binary(&mut self, r: VReg, op: BinOp, a: Value, b: Value) -> Result<(), Error> {
        let Some(code) = alu_op(op) else {
            return Err(Error::NotSelectable(format!("{op:?}")));
        };
        // A pointer must stay on the left, a constant belongs on the right.
        let fixed =
            |v: Value| matches!(self.defs[v.index()], Some(Op::Const(_) | Op::FieldInfo(..)));
        let pointer_right = self.is_pointer(b) && !self.is_pointer(a);
        let swap = op.is_commutative() && (pointer_right || fixed(a) && !self.is_pointer(a));
        let (a, b) = if swap { (b, a) } else { (a, b) };
        if matches!(op, BinOp::Add | BinOp::Sub) && self.is_pointer(a) {
            let (base, off) = self.base(Value(r.vreg() as u32));
            if let (Base::Value(base), Ok(off)) = (base, i32::try_from(off))
                && base.index() != r.vreg()
            {
                let base = self.reg(base);
                match off {
                    0 => self.copy(r, base),
                    _ => self.alu_imm(r, alu::ADD, base, off),
                }
                return Ok(());
            }
        }
        let a = self.reg(a);
        let (source, b) = self.source(b);
        match (op, source) {
            (BinOp::Shl | BinOp::LShr | BinOp::AShr, Source::Imm(n)) => match n & 63 {
                0 => self.copy(r, a),
                n => self.alu_imm(r, code, a, n),
            },
            (BinOp::Sub, Source::Imm(n)) if n != i32::MIN => {
                self.alu_imm(r, alu::ADD, a, -n);
            }
            _ => self.alu(r, code, a, source, b),
        }
        Ok(())
    }

    fn unary(&mut self, r: VReg, op: UnOp, a: Value) {
        let a = self.reg(a);
        let in_place = [Operand::reg_use(a), Operand::reg_reuse_def(r, 0)];
        match op {
            UnOp::Neg => self.put(Kind::Negate, &in_place),
            UnOp::Not => self.alu_imm(r, alu::XOR, a, -1),
            UnOp::Sext8 => self.sign_extend(r, a, 56),
            UnOp::Sext16 => self.sign_extend(r, a, 48),
            UnOp::Sext32 => self.sign_extend(r, a, 32),
            UnOp::Zext8 => self.alu_imm(r, alu::AND, a, 0xff),
            UnOp::Zext16 => self.alu_imm(r, alu::AND, a, 0xffff),
            UnOp::Zext32 => self.put(Kind::Move32, &[Operand::reg_use(a), Operand::reg_def(r)]),
            UnOp::Address => {
                let t = self.temp();
                self.put(Kind::Negate, &[Operand::reg_use(a), Operand::reg_reuse_def(t, 0)]);
                self.put(Kind::Negate, &[Operand::reg_use(t), Operand::reg_reuse_def(r, 0)]);
            }
            UnOp::Bswap16 => self.put(Kind::ByteSwap(16), &in_place),
            UnOp::Bswap32 => self.put(Kind::ByteSwap(32), &in_place),
            UnOp::Bswap64 => self.put(Kind::ByteSwap(64), &in_place),
        }
    }

    fn sign_extend(&mut self, r: VReg, a: VReg, shift: i32) {
        let t = self.temp();
        self.alu_imm(t, alu::LSH, a, shift);
        self.alu_imm(r, alu::ARSH, t, shift);
    }

    fn load(&mut self, r: VReg, width: Width, signed: bool, base: Value, offset: Offset) {
        let extend = signed && width != Width::W64;
        let raw = if extend { self.temp() } else { r };
        let (address, base, relocation) = match offset {
            Offset::Bytes(n) => {
                let (address, base) = self.address(base, n);
                (address, base, None)
            }
            Offset::Field(f) => {
                let base = self.reg(base);
                let (n, target) = self.field_info(f, FieldInfo::Offset);
                if i16::try_from(n).is_ok() {
                    (Address { slot: None, off: n }, Some(base), Some(target))
                } else {
                    let sum = self.temp();
                    self.alu(sum, alu::ADD, base, Source::Relocated(n, target), None);
                    (Address { slot: None, off: 0 }, Some(sum), None)
                }
            }
        };
        let mut operands: Vec<_> = base.into_iter().map(Operand::reg_use).collect();
        operands.push(Operand::reg_def(raw));
        self.put(Kind::Load(width, address, relocation), &operands);
        if extend {
            self.sign_extend(r, raw, 64 - 8 * width.bytes() as i32);
        }
    }

    fn store(&mut self, width: Width, base: Value, offset: i32, value: Value) {
        // Of a constant only the low bytes count.
        let imm = match (width, self.constant(value)) {
            (Width::W64, _) => self.immediate(value),
            (Width::W32, n) => n.map(|n| n as i32),
            (Width::W16, n) => n.map(|n| (n as u16).into()),
            (Width::W8, n) => n.map(|n| (n as u8).into()),
        };
        let (address, base) = self.address(base, offset);
        let mut operands: Vec<_> = base.into_iter().map(Operand::reg_use).collect();
        match imm {
            Some(n) => self.put(Kind::StoreImm(width, address, n), &operands),
            None => {
                operands.push(Operand::reg_use(self.reg(value)));
                self.put(Kind::Store(width, address), &operands);
            }
        }
    }

    fn atomic_add(
        &mut self,
        result: Option<VReg>,
        width: Width,
        base: Value,
        offset: i32,
        value: Value,
    ) {
        let (address, base) = self.address(base, offset);
        let value = self.reg(value);
        let mut operands: Vec<_> = base.into_iter().map(Operand::reg_use).collect();
        operands.push(Operand::reg_use(value));
        match result {
            None => self.put(Kind::AtomicAdd(width, address), &operands),
            Some(r) => {
                operands.push(Operand::reg_reuse_def(r, operands.len() - 1));
                self.put(Kind::AtomicFetchAdd(width, address), &operands);
            }
        }
    }

    fn call(&mut self, kind: Kind, args: &[Value], result: Option<Value>) {
        let mut operands = Vec::with_capacity(args.len() + 1);
        for (n, v) in (1..).zip(args) {
            let mut r = self.reg(*v);
            if self.remake(*v).is_none() && self.crosses[v.index()] {
                let own = std::mem::replace(&mut r, self.temp());
                self.copy(r, own);
            }
            operands.push(Operand::reg_fixed_use(r, preg(n)));
        }
        let result = result.map(|v| self.fixed(v));
        operands.extend(result.map(|(r, _)| Operand::reg_fixed_def(r, preg(0))));
        self.put(kind, &operands);
        if let Some((r, Some(own))) = result {
            self.copy(own, r);
        }
    }

    // -------------------------------------------------------- terminators

    /// A comparison with its constant, if any, on the right.
    fn constant_right(&self, cond: Cond, a: Value, b: Value) -> (Cond, Value, Value) {
        let swap = self.constant(a).is_some() && self.constant(b).is_none();
        if swap { (cond.swap(), b, a) } else { (cond, a, b) }
    }

    fn terminator(&mut self, block: BlockId) -> Result<(), Error> {
        match &self.function.blocks[block.index()].term {
            Terminator::Missing => return Err(Error::NotSelectable("a missing terminator".into())),
            Terminator::Jump(target) => {
                let args = target.args.iter().map(|v| self.reg(*v)).collect();
                self.mach.blocks[block.index()].args = args;
                self.put(Kind::Jump, &[]);
            }
            Terminator::Branch { cond, a, b, .. } => {
                let (left, right) = (*a, *b);
                let (cond, a, b) = self.constant_right(*cond, left, right);
                let refined = self.refined[block.index()];
                let [x, y] = if a == left { refined } else { [refined[1], refined[0]] };
                let a = self.reg(a);
                let (source, b) = self.compared(b);
                let mut operands = vec![Operand::reg_use(a)];
                operands.extend(b.map(Operand::reg_use));
                for (i, v) in [x, y].into_iter().enumerate() {
                    if let Some(v) = v.filter(|v| self.needed[v.index()]) {
                        operands.push(Operand::reg_reuse_def(vreg(v.index()), i));
                    }
                }
                self.put(Kind::Branch(cond, source), &operands);
            }
            Terminator::Return(v) => {
                let r = match v {
                    Some(v) => self.reg(*v),
                    None => {
                        let r = self.temp();
                        self.put(Kind::Number(0), &[Operand::reg_def(r)]);
                        r
                    }
                };
                self.put(Kind::Return, &[Operand::reg_fixed_use(r, preg(0))]);
            }
        }
        Ok(())
    }
}
