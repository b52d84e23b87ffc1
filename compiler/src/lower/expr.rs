//! Expressions.
//!
//! In: a typed expression. Out: an [`Operand`]. Numbers are 64 bits wide all through;
//! only casts and stores narrow them.

use super::context::{Context, Operand, Text};
use crate::builtins::Call;
use crate::ir::{BinOp, BlockId, Cond, Field, Target as Jump, Type, UnOp, Value, Width};
use crate::manifest::Fault;
use crate::typed::{Expr, ExprKind, OfKernel, PlaceBase, Target, Unary};
use crate::types::{Space, Type as DType};
use strand_grammar::ast::BinaryOp;
use strand_grammar::source::Span;

impl Context<'_, '_> {
    /// The value of an expression, with its effects.
    pub fn expr(&mut self, e: &Expr) -> Operand {
        let outer = self.b.set_span(Some(e.span));
        let value = self.expr_inner(e);
        self.b.set_span(outer);
        value
    }

    /// The value as a number.
    pub fn scalar(&mut self, e: &Expr) -> Value {
        let value = self.expr(e);
        self.number(&value)
    }

    /// A macro whose value the runtime writes to read-only data: the verifier sees a constant.
    fn late_macro(&mut self, name: &str) -> Operand {
        let (offset, size) = self.unit.late_macro(name);
        let at = self.b.rodata(offset);
        if name.starts_with("$$") {
            return Operand::Text(Text::Memory(at, size.min(self.unit.options.strsize)));
        }
        Operand::Number(self.b.load(Width::W64, false, at, 0))
    }

    /// What is asked of the kernel that loads the program.
    fn of_kernel(&mut self, asked: &OfKernel) -> Value {
        let field = self.unit.field(Field {
            module: asked.module.clone(),
            root: asked.root,
            path: asked.path.clone(),
            name: asked.name.clone(),
            offset: asked.value.cast_unsigned(),
            size: asked.value.cast_unsigned(),
            signed: true,
            bits: None,
        });
        self.b.field_info(field, asked.info)
    }

    fn expr_inner(&mut self, e: &Expr) -> Operand {
        let number = match &e.kind {
            ExprKind::Int(n) => self.int(*n),
            ExprKind::String(bytes) => return Operand::Text(Text::Literal(bytes.clone())),
            ExprKind::Builtin(v) => return (v.lower)(self),
            ExprKind::Macro(name) => return self.late_macro(name),
            ExprKind::OfKernel(asked) => self.of_kernel(asked),
            ExprKind::RawArg(n) => return self.raw_arg(*n, e.span),
            ExprKind::Variable(id) => return self.variable(*id),
            ExprKind::Element(id, keys) => return self.element(*id, keys),
            ExprKind::Read(place) => return self.read(place, e.ty),
            ExprKind::AddressOf(place) => {
                let address = self.address_of(place);
                match place.base {
                    PlaceBase::Memory { .. } => return address,
                    // A variable's address is a number like any other.
                    _ => self.number(&address),
                }
            }
            ExprKind::Unary(op, a) => {
                let a = self.scalar(a);
                let op = match op {
                    Unary::Neg => UnOp::Neg,
                    Unary::BitNot => UnOp::Not,
                };
                self.b.unary(op, a)
            }
            ExprKind::Not(a) => {
                let a = self.truth(a);
                let zero = self.int(0);
                self.b.compare(Cond::Eq, a, zero)
            }
            ExprKind::Binary { op, signed, a, b } => {
                let a = self.expr(a);
                let b = self.expr(b);
                return self.binary(*op, *signed, &a, &b, e.span);
            }
            ExprKind::CompareStrings(op, a, b) => {
                let a = self.text(a);
                let b = self.text(b);
                self.compare_texts(*op, &a, &b, e.span)
            }
            ExprKind::Logical(BinaryOp::LogXor, a, b) => {
                let a = self.truth_bit(a);
                let b = self.truth_bit(b);
                self.b.binary(BinOp::Xor, a, b)
            }
            ExprKind::Logical(..) => self.choose_bit(e),
            ExprKind::Conditional(c, a, b) => return self.conditional(c, a, b, e),
            ExprKind::Comma(a, b) => {
                self.expr(a);
                return self.expr(b);
            }
            ExprKind::Cast(a) => {
                let from = a.ty;
                let value = self.expr(a);
                return self.cast(value, from, e);
            }
            ExprKind::StringAt { address, .. } if matches!(address.kind, ExprKind::Int(0)) => {
                return Operand::Text(Text::Null);
            }
            ExprKind::StringAt { address, space, limit } => {
                let address = self.expr(address);
                if let Operand::Text(text) = address {
                    return Operand::Text(text);
                }
                if let Operand::Bytes(at, size) = address {
                    return Operand::Text(Text::Kernel(at, Some(limit.unwrap_or(size))));
                }
                let address = self.raw(&address);
                return Operand::Text(match space {
                    Space::User => Text::User(address, *limit),
                    Space::Kernel => Text::Kernel(address, *limit),
                    Space::Scratch => {
                        self.scratch_access(address, 1, e.span);
                        Text::Kernel(address, *limit)
                    }
                });
            }
            ExprKind::Assign { target, op, value, deletes } => {
                return self.assignment(target, *op, value, *deletes, e);
            }
            ExprKind::Increment { target, by, prefix } => {
                return self.increment(target, *by, *prefix, e);
            }
            ExprKind::Call(function, args) => {
                return (function.lower)(self, &Call { expr: e, args });
            }
            ExprKind::Let { local, value, body } => {
                let value = self.expr(value);
                self.lets.insert(*local, value);
                return self.expr(body);
            }
            ExprKind::Local(local) => match self.lets.get(local) {
                Some(value) => return value.clone(),
                None => unreachable!("check binds a local before its use"),
            },
        };
        Operand::Number(number)
    }

    // ------------------------------------------------------------ arithmetic

    fn binary(
        &mut self,
        op: BinaryOp,
        signed: bool,
        a: &Operand,
        b: &Operand,
        span: Span,
    ) -> Operand {
        if let Some(cond) = condition(op, signed) {
            // A trusted pointer may be compared with 0 as it is.
            let v = self.compare_operands(cond, a, b);
            return Operand::Number(v);
        }
        let (a, b) = (self.number(a), self.number(b));
        Operand::Number(self.arithmetic(op, signed, a, b, span))
    }

    fn compare_operands(&mut self, cond: Cond, a: &Operand, b: &Operand) -> Value {
        let (a, b) = (self.number(a), self.number(b));
        self.b.compare(cond, a, b)
    }

    pub(crate) fn arithmetic(
        &mut self,
        op: BinaryOp,
        signed: bool,
        a: Value,
        b: Value,
        span: Span,
    ) -> Value {
        if let Some(cond) = condition(op, signed) {
            return self.b.compare(cond, a, b);
        }
        if matches!(op, BinaryOp::Div | BinaryOp::Rem) {
            let zero = self.int(0);
            self.fault_if(Cond::Eq, b, zero, Fault::DivideByZero, zero, span);
        }
        if (op, signed) == (BinaryOp::Rem, true) {
            return self.signed_remainder(a, b);
        }
        let op = match (op, signed) {
            (BinaryOp::Mul, _) => BinOp::Mul,
            (BinaryOp::Div, true) => BinOp::SDiv,
            (BinaryOp::Div, false) => BinOp::UDiv,
            (BinaryOp::Rem, _) => BinOp::URem,
            (BinaryOp::Sub, _) => BinOp::Sub,
            (BinaryOp::Shl, _) => BinOp::Shl,
            (BinaryOp::Shr, true) => BinOp::AShr,
            (BinaryOp::Shr, false) => BinOp::LShr,
            (BinaryOp::BitAnd, _) => BinOp::And,
            (BinaryOp::BitOr, _) => BinOp::Or,
            (BinaryOp::BitXor, _) => BinOp::Xor,
            _ => BinOp::Add,
        };
        self.b.binary(op, a, b)
    }

    /// D's remainder of signed numbers has the sign of their quotient, not the dividend's.
    fn signed_remainder(&mut self, a: Value, b: Value) -> Value {
        let rest = self.b.binary(BinOp::SRem, a, b);
        // All ones if the divisor is negative: to negate is to invert and add one.
        let negative = self.b.binary_imm(BinOp::AShr, b, 63);
        let inverted = self.b.binary(BinOp::Xor, rest, negative);
        self.b.binary(BinOp::Sub, inverted, negative)
    }

    fn cast(&mut self, value: Operand, from: crate::types::TypeId, e: &Expr) -> Operand {
        let types = self.unit.types();
        match value {
            // 64 bits to 64 bits changes nothing, and the verifier keeps its trust.
            Operand::Trusted(..) if types.size(e.ty) == Some(8) => value,
            // A pointer to text is one to what can be read with it, which is a copy of what
            // a process has.
            Operand::Text(text @ Text::User(..)) if types.pointee(e.ty).is_some() => {
                let size = self.unit.options.strsize;
                let at = self.memory(size);
                self.copy_text(at, 0, size, &text, true, e.span);
                Operand::Number(self.launder(at))
            }
            // The address of text is a pointer to char.
            Operand::Text(text) if types.is_scalar(e.ty) => Operand::Number(match text {
                Text::Kernel(a, _) | Text::User(a, _) | Text::Memory(a, _) | Text::Padded(a, _) => {
                    self.launder(a)
                }
                Text::Null => self.int(0),
                Text::Literal(_) | Text::Stored(..) | Text::Comm => {
                    let (at, _) = self.text_memory(&text, e.span);
                    self.launder(at)
                }
            }),
            value => {
                let v = self.number(&value);
                let narrower = types.size(e.ty) < types.size(from)
                    || types.size(e.ty) == types.size(from)
                        && types.is_signed(e.ty) != types.is_signed(from)
                    || types.size(e.ty).is_some_and(|n| n < 8);
                Operand::Number(if narrower { self.convert(v, e.ty) } else { v })
            }
        }
    }

    // ------------------------------------------------------------ conditions

    /// Not 0 if the expression is true.
    fn truth(&mut self, e: &Expr) -> Value {
        let value = self.expr(e);
        match &value {
            Operand::Trusted(p, _) => {
                let zero = self.int(0);
                self.b.compare(Cond::Ne, *p, zero)
            }
            other => self.number(other),
        }
    }

    /// 1 if the expression is true, else 0.
    fn truth_bit(&mut self, e: &Expr) -> Value {
        let v = self.truth(e);
        let zero = self.int(0);
        self.b.compare(Cond::Ne, v, zero)
    }

    /// Goes to `then` if the expression is true, else to `otherwise`.
    pub(crate) fn branch_on(&mut self, e: &Expr, then: BlockId, otherwise: BlockId) {
        let outer = self.b.set_span(Some(e.span));
        match &e.kind {
            ExprKind::Not(a) => self.branch_on(a, otherwise, then),
            ExprKind::Logical(BinaryOp::LogAnd, a, b) => {
                let second = self.b.block(&[]);
                self.branch_on(a, second, otherwise);
                self.b.switch_to(second);
                self.branch_on(b, then, otherwise);
            }
            ExprKind::Logical(BinaryOp::LogOr, a, b) => {
                let second = self.b.block(&[]);
                self.branch_on(a, then, second);
                self.b.switch_to(second);
                self.branch_on(b, then, otherwise);
            }
            ExprKind::Binary { op, signed, a, b } if condition(*op, *signed).is_some() => {
                let a = self.expr(a);
                let b = self.expr(b);
                let (a, b) = (self.number(&a), self.number(&b));
                let cond = condition(*op, *signed).unwrap_or(Cond::Ne);
                self.b.branch(cond, a, b, then, otherwise);
            }
            _ => {
                let v = self.truth(e);
                let zero = self.int(0);
                self.b.branch(Cond::Ne, v, zero, then, otherwise);
            }
        }
        self.b.set_span(outer);
    }

    /// A condition as 1 or 0.
    fn choose_bit(&mut self, e: &Expr) -> Value {
        let (yes, no) = (self.b.block(&[]), self.b.block(&[]));
        let done = self.b.block(&[Type::I64]);
        self.branch_on(e, yes, no);
        for (block, n) in [(yes, 1), (no, 0)] {
            self.b.switch_to(block);
            let n = self.int(n);
            self.b.jump(done, &[n]);
        }
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    fn conditional(&mut self, c: &Expr, a: &Expr, b: &Expr, e: &Expr) -> Operand {
        let (yes, no) = (self.b.block(&[]), self.b.block(&[]));
        let types = self.unit.types();
        if types.is_scalar(e.ty) {
            let done = self.b.block(&[Type::I64]);
            self.branch_on(c, yes, no);
            for (block, arm) in [(yes, a), (no, b)] {
                self.b.switch_to(block);
                let v = self.scalar(arm);
                self.b.jump(done, &[v]);
            }
            self.b.switch_to(done);
            return Operand::Number(self.b.block_param(done, 0));
        }
        let text = matches!(types.resolved(e.ty), DType::String);
        let size = self.unit.size(e.ty);
        // Both arms write there, if any does.
        let at = self.memory(size);
        self.branch_on(c, yes, no);
        let arms = [(yes, a), (no, b)].map(|(block, arm)| {
            self.b.switch_to(block);
            let value = self.expr(arm);
            (self.b.current(), value, arm.span)
        });
        if text && let Some(either) = self.either_address(&arms) {
            return Operand::Text(either);
        }
        let done = self.b.block(&[]);
        for (block, value, span) in &arms {
            self.b.switch_to(*block);
            if !matches!(value, Operand::Nothing) {
                self.store_value(at, 0, e.ty, value, *span);
            }
            self.b.jump(done, &[]);
        }
        self.b.switch_to(done);
        if text { Operand::Text(Text::Stored(at, size)) } else { Operand::Bytes(at, size) }
    }

    /// One of two texts of which one at least is at an address of the kernel's, by its address:
    /// constants have one, too. None, and nothing done, if they are others.
    fn either_address(&mut self, arms: &[(BlockId, Operand, Span); 2]) -> Option<Text> {
        let limit = |operand: &Operand| match operand {
            Operand::Text(Text::Kernel(_, limit)) => Some(*limit),
            Operand::Text(Text::Literal(bytes)) => Some(Some(bytes.len() as u32)),
            Operand::Text(Text::Null) => Some(Some(0)),
            _ => None,
        };
        let (first, second) = (limit(&arms[0].1)?, limit(&arms[1].1)?);
        if !arms.iter().any(|(_, v, _)| matches!(v, Operand::Text(Text::Kernel(..)))) {
            return None;
        }
        let done = self.b.block(&[Type::I64]);
        for (block, value, span) in arms {
            self.b.switch_to(*block);
            let address = match value {
                Operand::Text(Text::Kernel(address, _)) => self.launder(*address),
                Operand::Text(text @ Text::Literal(_)) => {
                    let (at, _) = self.text_memory(text, *span);
                    self.launder(at)
                }
                _ => self.int(0),
            };
            self.b.jump(done, &[address]);
        }
        self.b.switch_to(done);
        let limit = first.zip(second).map(|(a, b)| a.max(b));
        Some(Text::Kernel(self.b.block_param(done, 0), limit))
    }

    // ------------------------------------------------------------ assignment

    fn assignment(
        &mut self,
        target: &Target,
        op: Option<(BinaryOp, bool)>,
        value: &Expr,
        deletes: bool,
        e: &Expr,
    ) -> Operand {
        let value = match op {
            None => self.expr(value),
            Some((op, signed)) => {
                // As it was before the value, which may change it: `x += x++`.
                let old = self.target_value(target, e);
                let old = Operand::Number(self.number(&old));
                let value = self.expr(value);
                let result = self.binary(op, signed, &old, &value, e.span);
                let v = self.number(&result);
                Operand::Number(self.convert(v, e.ty))
            }
        };
        self.assign(target, &value, deletes, e.span);
        value
    }

    fn target_value(&mut self, target: &Target, e: &Expr) -> Operand {
        match target {
            Target::Variable(id) => self.variable(*id),
            Target::Element(id, keys) => self.element(*id, keys),
            Target::Part(place) => self.read(place, e.ty),
        }
    }

    fn increment(&mut self, target: &Target, by: i64, prefix: bool, e: &Expr) -> Operand {
        let width = self.unit.types().size(e.ty).and_then(Width::of);
        if let (Target::Element(id, keys), Some(width @ (Width::W32 | Width::W64))) =
            (target, width)
        {
            // Elements that several CPUs count in are worth an atomic instruction.
            let at = self.element_for_writing(*id, keys);
            let by_value = self.int(by);
            let old = self.b.atomic_fetch_add(width, at, 0, by_value);
            let old = self.convert(old, e.ty);
            let new = self.b.add_imm(old, by);
            return Operand::Number(if prefix { self.convert(new, e.ty) } else { old });
        }
        let old = self.target_value(target, e);
        let old = self.number(&old);
        let new = self.b.binary_imm(BinOp::Add, old, by);
        let new = self.convert(new, e.ty);
        self.assign(target, &Operand::Number(new), false, e.span);
        Operand::Number(if prefix { new } else { old })
    }

    /// A jump target.
    pub(crate) fn to(block: BlockId, args: &[Value]) -> Jump {
        Jump { block, args: args.to_vec() }
    }
}

/// The comparison that a D operator is.
fn condition(op: BinaryOp, signed: bool) -> Option<Cond> {
    Some(match (op, signed) {
        (BinaryOp::Eq, _) => Cond::Eq,
        (BinaryOp::Ne, _) => Cond::Ne,
        (BinaryOp::Lt, true) => Cond::SLt,
        (BinaryOp::Le, true) => Cond::SLe,
        (BinaryOp::Gt, true) => Cond::SGt,
        (BinaryOp::Ge, true) => Cond::SGe,
        (BinaryOp::Lt, false) => Cond::ULt,
        (BinaryOp::Le, false) => Cond::ULe,
        (BinaryOp::Gt, false) => Cond::UGt,
        (BinaryOp::Ge, false) => Cond::UGe,
        _ => return None,
    })
}
