//! Binary operators without assignment.
//!
//! In: two operands. Out: a typed operation, or a constant. Decides which operands agree
//! with each other and what the result's type is.

use super::Checker;
use super::place::binary;
use super::value::{Value, constant, int};
use crate::typed::{Expr, ExprKind};
use crate::types::Space;
use crate::types::TypeId;
use strand_grammar::ast::{self, BinaryOp};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// An operator as it is written.
pub(super) fn text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitXor => "^",
        BinaryOp::BitOr => "|",
        BinaryOp::LogAnd => "&&",
        BinaryOp::LogXor => "^^",
        BinaryOp::LogOr => "||",
    }
}

/// Whether an operator compares.
pub(super) fn compares(op: BinaryOp) -> bool {
    use BinaryOp::*;
    matches!(op, Lt | Le | Gt | Ge | Eq | Ne)
}

/// The value of an operation on constants; `None`: a division by zero.
pub(super) fn fold(op: BinaryOp, signed: bool, a: i64, b: i64) -> Option<i64> {
    use std::cmp::Ordering;
    let (ua, ub) = (a as u64, b as u64);
    let order = if signed { a.cmp(&b) } else { ua.cmp(&ub) };
    Some(match op {
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::Div | BinaryOp::Rem if b == 0 => return None,
        BinaryOp::Div if signed => a.wrapping_div(b),
        BinaryOp::Div => (ua / ub) as i64,
        // With the sign of the quotient.
        BinaryOp::Rem if signed && b < 0 => a.wrapping_rem(b).wrapping_neg(),
        BinaryOp::Rem if signed => a.wrapping_rem(b),
        BinaryOp::Rem => (ua % ub) as i64,
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        // As the machine does: only the low six bits of the distance count.
        BinaryOp::Shl => a.wrapping_shl(b as u32),
        BinaryOp::Shr if signed => a.wrapping_shr(b as u32),
        BinaryOp::Shr => ua.wrapping_shr(b as u32) as i64,
        BinaryOp::Lt => i64::from(order == Ordering::Less),
        BinaryOp::Le => i64::from(order != Ordering::Greater),
        BinaryOp::Gt => i64::from(order == Ordering::Greater),
        BinaryOp::Ge => i64::from(order != Ordering::Less),
        BinaryOp::Eq => i64::from(a == b),
        BinaryOp::Ne => i64::from(a != b),
        BinaryOp::BitAnd => a & b,
        BinaryOp::BitXor => a ^ b,
        BinaryOp::BitOr => a | b,
        BinaryOp::LogAnd => i64::from(a != 0 && b != 0),
        BinaryOp::LogXor => i64::from((a != 0) != (b != 0)),
        BinaryOp::LogOr => i64::from(a != 0 || b != 0),
    })
}

impl Checker<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        a: &ast::Expr,
        b: &ast::Expr,
        span: Span,
    ) -> Expr {
        match op {
            BinaryOp::LogAnd | BinaryOp::LogXor | BinaryOp::LogOr => self.logical(op, a, b, span),
            _ if compares(op) => self.comparison(op, a, b, span),
            BinaryOp::Add | BinaryOp::Sub => self.additive(op, a, b, span),
            _ => {
                let (a, b) = (self.rvalue(a), self.rvalue(b));
                self.integer_operation(op, a, b, span)
            }
        }
    }

    fn logical(&mut self, op: BinaryOp, a: &ast::Expr, b: &ast::Expr, span: Span) -> Expr {
        let what = format!("an operand of `{}`", text(op));
        let first = self.condition(a, "D_OP_SCALAR", &what);
        let known = constant(&first).filter(|_| !self.is_bad(first.ty));
        if super::call::asks_for_existence(a) {
            match (op, known) {
                (BinaryOp::LogAnd, Some(0)) => return int(0, self.basic.int, span),
                (BinaryOp::LogOr, Some(n)) if n != 0 => return int(1, self.basic.int, span),
                _ => {}
            }
        }
        let second = self.condition(b, "D_OP_SCALAR", &what);
        if self.is_bad(first.ty) || self.is_bad(second.ty) {
            return self.bad(span);
        }
        let ty = self.basic.int;
        match (constant(&first), constant(&second)) {
            (Some(x), Some(y)) => int(fold(op, true, x, y).unwrap_or(0), ty, span),
            _ => {
                let kind = ExprKind::Logical(op, Box::new(first), Box::new(second));
                Expr { kind, ty, span }
            }
        }
    }

    // ---------------------------------------------------------------- comparisons

    fn comparison(&mut self, op: BinaryOp, a: &ast::Expr, b: &ast::Expr, span: Span) -> Expr {
        let first = self.undecayed(a);
        let second = match self.enumerator_of(first.ty, b) {
            Some(Value::Plain(e)) => e,
            _ => self.undecayed(b),
        };
        let first = match self.enumerator_of(second.ty, a) {
            Some(Value::Plain(e)) => e,
            _ => first,
        };
        if self.is_bad(first.ty) || self.is_bad(second.ty) {
            return self.bad(span);
        }
        self.compare(op, first, second, span)
    }

    fn compare(&mut self, op: BinaryOp, a: Expr, b: Expr, span: Span) -> Expr {
        let int_ty = self.basic.int;
        let null = |e: Expr, other: &Expr| match self.is_null(&e) && self.types.is_integer(other.ty)
        {
            true => int(0, other.ty, e.span),
            false => e,
        };
        let a = null(a, &b);
        let b = null(b, &a);
        let strings = self.types.is_string(a.ty) || self.types.is_string(b.ty);
        if strings && self.types.is_text(a.ty) && self.types.is_text(b.ty) {
            let (a, b) = (Box::new(self.as_string(a)), Box::new(self.as_string(b)));
            return Expr { kind: ExprKind::CompareStrings(op, a, b), ty: int_ty, span };
        }
        if strings && matches!(op, BinaryOp::Eq | BinaryOp::Ne) {
            // A string that was never set, or was set to NULL, is equal to NULL.
            let null = |e: &Expr| constant(e) == Some(0);
            let text = match (null(&a), null(&b)) {
                (false, true) => Some(a.clone()),
                (true, false) => Some(b.clone()),
                _ => None,
            };
            if let Some(text) = text {
                let not = Expr { kind: ExprKind::Not(Box::new(text)), ty: int_ty, span };
                return match op {
                    BinaryOp::Eq => not,
                    _ => Expr { kind: ExprKind::Not(Box::new(not)), ty: int_ty, span },
                };
            }
        }
        if self.types.is_integer(a.ty) && self.types.is_integer(b.ty) {
            let ty = self.types.promote(a.ty, b.ty, int_ty);
            let (a, b) = (self.operand(a, ty), self.operand(b, ty));
            let signed = self.types.is_signed(ty);
            return match (constant(&a), constant(&b)) {
                (Some(x), Some(y)) => int(fold(op, signed, x, y).unwrap_or(0), int_ty, span),
                _ => binary(op, signed, a, b, int_ty, span),
            };
        }
        let (a, b) = (self.decay(a), self.decay(b));
        let zero = |e: &Expr, c: &Self| c.types.is_integer(e.ty) && constant(e) == Some(0);
        let pointer = |e: &Expr, c: &Self| c.types.pointee(e.ty).is_some();
        let agree = pointer(&a, self) && zero(&b, self)
            || zero(&a, self) && pointer(&b, self)
            || self.types.pointers_agree(a.ty, b.ty);
        if !agree {
            return self.incompatible(op, &a, &b, span);
        }
        match (constant(&a), constant(&b)) {
            (Some(x), Some(y)) => int(fold(op, false, x, y).unwrap_or(0), int_ty, span),
            _ => binary(op, false, a, b, int_ty, span),
        }
    }

    /// An operand as the operation's type sees it. Values are 64 bits wide already; only
    /// a negative one among unsigned 32-bit ones has to lose its upper half.
    fn operand(&mut self, e: Expr, ty: TypeId) -> Expr {
        let unsigned = !self.types.is_signed(ty) && self.types.size(ty) == Some(4);
        if unsigned && self.types.is_signed(e.ty) { self.cast(e, ty) } else { e }
    }

    pub(super) fn incompatible(&mut self, op: BinaryOp, a: &Expr, b: &Expr, span: Span) -> Expr {
        let (x, y) = (self.describe(a.ty), self.describe(b.ty));
        let message = format!("the operands of `{}` don't go together", text(op));
        let mut d = Diagnostic::error("D_OP_INCOMPAT", span, message)
            .label(a.span, format!("this is {x}"))
            .label(b.span, format!("this is {y}"));
        let text_and_number =
            |a: &Expr, b: &Expr| self.types.is_string(a.ty) && self.types.is_integer(b.ty);
        if self.types.pointee(a.ty).is_some() && self.types.is_integer(b.ty)
            || self.types.pointee(b.ty).is_some() && self.types.is_integer(a.ty)
        {
            d = d.hint("cast one of them");
        } else if text_and_number(a, b) || text_and_number(b, a) {
            d = d.hint("text is compared with text");
        } else if self.types.is_userland(a.ty) != self.types.is_userland(b.ty) {
            d = d.note("One of them points into user space, the other into the kernel.");
        }
        self.report(d);
        self.bad(span)
    }

    // ----------------------------------------------------------------- arithmetic

    fn additive(&mut self, op: BinaryOp, a: &ast::Expr, b: &ast::Expr, span: Span) -> Expr {
        let (a, b) = (self.rvalue(a), self.rvalue(b));
        if self.is_bad(a.ty) || self.is_bad(b.ty) {
            return self.bad(span);
        }
        let pointer = |e: &Expr, c: &Self| c.types.pointee(e.ty).is_some();
        let integer = |e: &Expr, c: &Self| c.types.is_integer(e.ty);
        let minus = op == BinaryOp::Sub;
        if pointer(&a, self) && integer(&b, self) {
            return match self.add_to_pointer(a, b, minus, span) {
                Some(e) => self.fold_pointer(e),
                None => self.bad(span),
            };
        }
        if integer(&a, self) && pointer(&b, self) && !minus {
            return match self.add_to_pointer(b, a, false, span) {
                Some(e) => self.fold_pointer(e),
                None => self.bad(span),
            };
        }
        let string = |e: &Expr, c: &Self| c.types.is_string(e.ty);
        if string(&a, self) && integer(&b, self) {
            return self.move_string(a, b, minus, span);
        }
        if integer(&a, self) && string(&b, self) && !minus {
            return self.move_string(b, a, false, span);
        }
        if minus && self.types.pointers_agree(a.ty, b.ty) && !self.types.is_unsized_pointer(a.ty) {
            return self.pointer_difference(a, b, span);
        }
        if self.types.is_string(a.ty) && self.types.is_string(b.ty) && !minus {
            self.report(
                Diagnostic::error("D_OP_INCOMPAT", span, "strings can't be added")
                    .hint("use `strjoin(a, b)`"),
            );
            return self.bad(span);
        }
        if !integer(&a, self) || !integer(&b, self) {
            return self.incompatible(op, &a, &b, span);
        }
        self.integer_operation(op, a, b, span)
    }

    /// `text + n` is the text from its n-th character on.
    fn move_string(&mut self, text: Expr, n: Expr, minus: bool, span: Span) -> Expr {
        let pointer = self.pointer_to(self.basic.char, Space::Kernel);
        let (address, space) = match text.kind {
            ExprKind::StringAt { address, space, limit: None } => {
                (Expr { ty: pointer, ..*address }, space)
            }
            _ => {
                let span = text.span;
                let kind = ExprKind::Cast(Box::new(text));
                (Expr { kind, ty: pointer, span }, Space::Kernel)
            }
        };
        match self.add_to_pointer(address, n, minus, span) {
            Some(address) => {
                let address = Box::new(address);
                let kind = ExprKind::StringAt { address, space, limit: None };
                Expr { kind, ty: self.basic.string, span }
            }
            None => self.bad(span),
        }
    }

    /// The sum of two constants is one.
    fn fold_pointer(&mut self, e: Expr) -> Expr {
        if let ExprKind::Binary { op, a, b, .. } = &e.kind
            && let (Some(x), Some(y)) = (constant(a), constant(b))
        {
            return int(fold(*op, false, x, y).unwrap_or(0), e.ty, e.span);
        }
        e
    }

    fn pointer_difference(&mut self, a: Expr, b: Expr, span: Span) -> Expr {
        let ty = self.basic.ptrdiff;
        let to = self.types.pointee(a.ty).unwrap_or(self.basic.char);
        if let Some(record) = self.types.as_record(to) {
            self.complete(record);
        }
        let size = i64::from(self.types.size(to).unwrap_or(1).max(1));
        let bytes = binary(BinaryOp::Sub, true, a, b, ty, span);
        if size == 1 {
            return bytes;
        }
        binary(BinaryOp::Div, true, bytes, int(size, ty, span), ty, span)
    }

    /// Arithmetic, bit and shift operators.
    pub(super) fn integer_operation(&mut self, op: BinaryOp, a: Expr, b: Expr, span: Span) -> Expr {
        if self.is_bad(a.ty) || self.is_bad(b.ty) {
            return self.bad(span);
        }
        if !self.types.is_integer(a.ty) || !self.types.is_integer(b.ty) {
            let code = match op {
                BinaryOp::Mul | BinaryOp::Div => "D_OP_ARITH",
                BinaryOp::Add | BinaryOp::Sub => "D_OP_INCOMPAT",
                _ => "D_OP_INT",
            };
            let wrong = if self.types.is_integer(a.ty) { &b } else { &a };
            let (at, found) = (wrong.span, self.describe(wrong.ty));
            let message = format!("`{}` needs integers", text(op));
            self.report(Diagnostic::error(code, at, message).here(format!("this is {found}")));
            return self.bad(span);
        }
        if matches!(op, BinaryOp::Div | BinaryOp::Rem) && constant(&b) == Some(0) {
            self.report(
                Diagnostic::error("D_DIV_ZERO", span, "division by zero")
                    .label(b.span, "this is 0"),
            );
            return self.bad(span);
        }
        let shift = matches!(op, BinaryOp::Shl | BinaryOp::Shr);
        let ty = if shift {
            self.plain_integer(a.ty)
        } else {
            self.types.promote(a.ty, b.ty, self.basic.int)
        };
        let (a, b) = if shift { (a, b) } else { (self.operand(a, ty), self.operand(b, ty)) };
        self.arithmetic(op, a, b, ty, span)
    }

    /// An enum counts as int.
    fn plain_integer(&self, ty: TypeId) -> TypeId {
        self.types.promote(ty, ty, self.basic.int)
    }
}
