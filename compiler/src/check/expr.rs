//! Expressions: one function for each form that isn't a binary operator, an assignment,
//! a call or a place.
//!
//! In: syntax. Out: typed expressions. Constants are folded on the way.

use super::Checker;
use super::place::binary;
use super::value::{Value, constant, int, wrap_lets};
use crate::ir::FieldInfo;
use crate::typed::{Expr, ExprKind, OfKernel, Unary};
use crate::types::{RecordId, Space, Type, TypeId};
use std::rc::Rc;
use strand_grammar::ast::{self, BinaryOp, ExprKind as Syntax, Ident, TypeName, UnaryOp};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

impl Checker<'_> {
    /// The value of an expression.
    pub fn expr(&mut self, e: &ast::Expr) -> Value {
        let span = self.at(e.span);
        let plain = match &e.kind {
            Syntax::Integer(value, suffix) => {
                int(*value as i64, self.literal_type(*value, *suffix), span)
            }
            Syntax::Char(value) => {
                let wide = i32::try_from(*value).is_err();
                int(*value, if wide { self.basic.long } else { self.basic.int }, span)
            }
            Syntax::String(text) => self.string(text, span),
            Syntax::Name(scope, name) => return self.name(*scope, name),
            Syntax::Kernel { module, name } => self.kernel_symbol(module.as_deref(), name, e.span),
            Syntax::Index(base, keys) => return self.index(base, keys, e.span),
            Syntax::Aggregation(a) => self.aggregation_value(a, e.span),
            Syntax::Call { function, args } => return self.call(function, args, e.span),
            Syntax::Member(base, name) => {
                let base = self.expr(base);
                return self.member(base, name, false, e.span);
            }
            Syntax::Arrow(base, name) => {
                let base = self.expr(base);
                return self.member(base, name, true, e.span);
            }
            Syntax::Unary(UnaryOp::Deref, operand) => match self.expr(operand) {
                Value::Translated(t) if t.pointer => {
                    let ty = self.types.pointee(t.ty).unwrap_or(t.ty);
                    let t = super::value::Translated { pointer: false, ty, ..t };
                    return Value::Translated(t);
                }
                value => {
                    let e = self.plain(value);
                    self.dereference(e, span)
                }
            },
            Syntax::Unary(UnaryOp::AddressOf, operand) => {
                let value = self.expr(operand);
                self.address(value, span)
            }
            Syntax::Unary(op, operand) => self.unary(*op, operand, span),
            Syntax::Increment { up, prefix, target } => self.increment(*up, *prefix, target, span),
            Syntax::Binary(op, a, b) => self.binary(*op, a, b, span),
            Syntax::Assign(op, target, value) => self.assign(*op, target, value, span),
            Syntax::Conditional(c, a, b) => return self.conditional(c, a, b, span),
            Syntax::Comma(a, b) => {
                let a = self.rvalue(a);
                let b = self.rvalue(b);
                if !self.have_values("an operand of `,`", &[&a, &b]) {
                    return self.bad_value(span);
                }
                let ty = b.ty;
                Expr { kind: ExprKind::Comma(Box::new(a), Box::new(b)), ty, span }
            }
            Syntax::Cast(ty, operand) => self.cast_expr(ty, operand, span),
            Syntax::SizeofType(ty) => {
                let of = self.type_name(ty);
                self.sizeof(of, ty.span, span)
            }
            Syntax::SizeofExpr(operand) => self.sizeof_expr(operand, span),
            Syntax::Offsetof(ty, path) => self.offsetof(ty, path, span),
            Syntax::Stringof(operand) => self.stringof(operand, span),
            Syntax::Xlate(ty, operand) => return self.xlate(ty, operand, span),
        };
        Value::Plain(plain)
    }

    /// The value of an expression as one that exists at run time: arrays are pointers.
    pub fn rvalue(&mut self, e: &ast::Expr) -> Expr {
        let e = self.undecayed(e);
        self.decay(e)
    }

    /// Likewise, but arrays stay arrays.
    pub fn undecayed(&mut self, e: &ast::Expr) -> Expr {
        let value = self.expr(e);
        let value = self.plain(value);
        match self.types.resolved(value.ty) {
            Type::Function { .. } => self.decay(value),
            _ => value,
        }
    }

    /// A condition or predicate; `what` says which in a message.
    pub fn condition(&mut self, e: &ast::Expr, code: &'static str, what: &str) -> Expr {
        // An array isn't a scalar, although it would become a pointer.
        let value = self.undecayed(e);
        if self.is_bad(value.ty) || self.types.is_scalar(value.ty) {
            return value;
        }
        let found = self.describe(value.ty);
        let d = Diagnostic::error(code, e.span, format!("{what} has to be an integer or pointer"))
            .here(format!("this is {found}"));
        self.report(if self.types.is_string(value.ty) {
            d.hint("compare it: `… != NULL`, or `… != \"\"`")
        } else {
            d
        });
        self.bad(e.span)
    }

    // --------------------------------------------------------------------- unary

    fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span) -> Expr {
        if op == UnaryOp::Not {
            return self.not(operand, span);
        }
        let e = self.rvalue(operand);
        if self.is_bad(e.ty) {
            return e;
        }
        if !self.types.is_integer(e.ty) {
            let (code, sign) = match op {
                UnaryOp::BitNot => ("D_OP_INT", "~"),
                UnaryOp::Neg => ("D_OP_ARITH", "-"),
                _ => ("D_OP_ARITH", "+"),
            };
            let found = self.describe(e.ty);
            self.report(
                Diagnostic::error(code, operand.span, format!("`{sign}` needs an integer"))
                    .here(format!("this is {found}")),
            );
            return self.bad(span);
        }
        let ty = e.ty;
        let op = match op {
            UnaryOp::Plus => return Expr { span, ..e },
            UnaryOp::BitNot => Unary::BitNot,
            _ => Unary::Neg,
        };
        match (constant(&e), op) {
            // `-1u` is the largest number of its type, as in C.
            (Some(n), Unary::Neg) if !self.types.is_signed(ty) => {
                int(self.types.wrap(ty, n.wrapping_neg()), ty, span)
            }
            (Some(n), Unary::Neg) => int(n.wrapping_neg(), ty, span),
            (Some(n), Unary::BitNot) => int(self.types.wrap(ty, !n), ty, span),
            (None, _) => Expr { kind: ExprKind::Unary(op, Box::new(e)), ty, span },
        }
    }

    fn not(&mut self, operand: &ast::Expr, span: Span) -> Expr {
        let e = self.condition(operand, "D_OP_SCALAR", "the operand of `!`");
        if self.is_bad(e.ty) {
            return e;
        }
        let ty = self.basic.int;
        match constant(&e) {
            Some(n) => int(i64::from(n == 0), ty, span),
            None => Expr { kind: ExprKind::Not(Box::new(e)), ty, span },
        }
    }

    // --------------------------------------------------------------- conditional

    fn conditional(&mut self, c: &ast::Expr, a: &ast::Expr, b: &ast::Expr, span: Span) -> Value {
        let condition = self.condition(c, "D_OP_SCALAR", "the condition of `?:`");
        // The other isn't looked at: it may be for another kernel, or for other settings.
        if let Some(n) = constant(&condition) {
            return self.expr(if n != 0 { a } else { b });
        }
        let a = self.undecayed(a);
        let b = self.undecayed(b);
        if self.is_bad(condition.ty) || self.is_bad(a.ty) || self.is_bad(b.ty) {
            return self.bad_value(span);
        }
        if !self.have_values("a result of `?:`", &[&a, &b]) {
            return self.bad_value(span);
        }
        let Some((a, b)) = self.arms(a, b, span) else { return self.bad_value(span) };
        let ty = a.ty;
        let kind = ExprKind::Conditional(Box::new(condition), Box::new(a), Box::new(b));
        Value::Plain(Expr { kind, ty, span })
    }

    /// Whether none of these is dynamic or an action; says so if one is.
    fn have_values(&mut self, what: &str, operands: &[&Expr]) -> bool {
        let dynamic = operands.iter().find(|e| self.is_dynamic(e.ty));
        let action = operands.iter().find(|e| self.is_action(e));
        let (code, e, hint) = match (dynamic, action) {
            (Some(e), _) => ("D_OP_DYN", e, "use what can be computed when the clause runs"),
            (None, Some(e)) => ("D_OP_ACT", e, "make it a statement, within `if` if need be"),
            (None, None) => return true,
        };
        let found = if code == "D_OP_ACT" { "an action".to_owned() } else { self.describe(e.ty) };
        let message = format!("{found} can't be {what}");
        self.report(Diagnostic::error(code, e.span, message).hint(hint));
        false
    }

    /// Both operands of `?:` as values of one type.
    fn arms(&mut self, a: Expr, b: Expr, span: Span) -> Option<(Expr, Expr)> {
        let null = |e: Expr, other: TypeId| match self.is_null(&e) && self.types.is_integer(other) {
            true => int(0, other, e.span),
            false => e,
        };
        let a = null(a, b.ty);
        let b = null(b, a.ty);
        let (x, y) = (a.ty, b.ty);
        if self.types.is_integer(x) && self.types.is_integer(y) {
            let ty = self.types.promote(x, y, self.basic.int);
            return Some((self.cast(a, ty), self.cast(b, ty)));
        }
        let text = self.types.is_text(x) && self.types.is_text(y);
        if text && (self.types.is_string(x) || self.types.is_string(y)) {
            return Some((self.as_string(a), self.as_string(b)));
        }
        // `p ? s : NULL`
        if self.types.is_string(x) && constant(&b) == Some(0) {
            let null = self.null_string(b.span);
            return Some((a, null));
        }
        if self.types.is_string(y) && constant(&a) == Some(0) {
            return Some((self.null_string(a.span), b));
        }
        let (a, b) = (self.decay(a), self.decay(b));
        if self.types.same(a.ty, b.ty) && !self.types.is_void(a.ty) {
            let ty = a.ty;
            return Some((a, Expr { ty, ..b }));
        }
        // What may point into scratch memory and what may not: it is only read as both can be.
        let (in_scratch, elsewhere) = (self.types.space(a.ty), self.types.space(b.ty));
        if in_scratch == Space::Scratch && elsewhere != Space::Scratch && constant(&b) != Some(0) {
            return self.arms(b, a, span).map(|(b, a)| (a, b));
        }
        // NULL and pointers to void.
        if self.types.pointee(a.ty).is_some()
            && let Some(converted) = self.coerce(b.clone(), a.ty)
        {
            return Some((a, converted));
        }
        if self.types.pointee(b.ty).is_some()
            && let Some(converted) = self.coerce(a.clone(), b.ty)
        {
            return Some((converted, b));
        }
        let (x, y) = (self.describe(x), self.describe(y));
        self.report(
            Diagnostic::error("D_OP_INCOMPAT", span, "both results of `?:` must be of one type")
                .label(a.span, format!("this is {x}"))
                .label(b.span, format!("this is {y}")),
        );
        None
    }

    // ---------------------------------------------------------------------- casts

    fn cast_expr(&mut self, name: &TypeName, operand: &ast::Expr, span: Span) -> Expr {
        let to = self.type_name(name);
        let e = self.undecayed(operand);
        if self.is_bad(to) || self.is_bad(e.ty) {
            return self.bad(span);
        }
        if self.types.is_void(to) {
            return Expr {
                kind: ExprKind::Comma(Box::new(e), Box::new(int(0, to, span))),
                ty: to,
                span,
            };
        }
        if self.types.is_string(to) {
            if self.types.is_text(e.ty) || self.types.is_scalar(e.ty) {
                return Expr { span, ..self.as_string(e) };
            }
        } else if self.types.is_scalar(to) {
            let from_string = self.types.is_string(e.ty) && self.types.pointee(to).is_some();
            let e = self.decay(e);
            if self.types.is_scalar(e.ty) {
                return Expr { span, ..self.cast_pointer(e, to) };
            }
            if from_string {
                return Expr { kind: ExprKind::Cast(Box::new(e)), ty: to, span };
            }
            return self.invalid_cast(e.ty, to, span);
        } else if self.types.same(e.ty, to) {
            return Expr { ty: to, span, ..e };
        }
        self.invalid_cast(e.ty, to, span)
    }

    /// A pointer keeps pointing into the same memory whatever it is said to point to, also
    /// when it was a number for a while.
    fn cast_pointer(&mut self, e: Expr, to: TypeId) -> Expr {
        let space = self.origin(&e);
        let to = match (space, self.types.pointee(to)) {
            (Space::User | Space::Scratch, Some(pointee)) => self.pointer_to(pointee, space),
            _ => to,
        };
        self.cast(e, to)
    }

    /// Whose memory a value points into, also if it is a number computed from a pointer.
    fn origin(&self, e: &Expr) -> Space {
        if self.types.pointee(e.ty).is_some() {
            return self.types.space(e.ty);
        }
        match &e.kind {
            ExprKind::Cast(e) | ExprKind::Unary(_, e) => self.origin(e),
            ExprKind::Let { body: e, .. } | ExprKind::Comma(_, e) => self.origin(e),
            ExprKind::Binary { a, b, .. } => match self.origin(a) {
                Space::Kernel => self.origin(b),
                space => space,
            },
            _ => Space::Kernel,
        }
    }

    fn invalid_cast(&mut self, from: TypeId, to: TypeId, span: Span) -> Expr {
        let (from, to) = (self.a_value(from), self.describe(to));
        self.report(Diagnostic::error(
            "D_CAST_INVAL",
            span,
            format!("{from} can't be cast to {to}"),
        ));
        self.bad(span)
    }

    fn stringof(&mut self, operand: &ast::Expr, span: Span) -> Expr {
        let e = self.undecayed(operand);
        if self.is_bad(e.ty) || self.types.is_text(e.ty) || self.types.is_scalar(e.ty) {
            return Expr { span, ..self.as_string(e) };
        }
        let found = self.describe(e.ty);
        self.report(
            Diagnostic::error("D_STRINGOF_TYPE", operand.span, "this can't be made a string")
                .here(format!("it is {found}"))
                .hint("`stringof` takes text, a pointer or an address"),
        );
        self.bad(span)
    }

    // ---------------------------------------------------------------------- sizes

    fn sizeof(&mut self, of: TypeId, operand: Span, span: Span) -> Expr {
        if self.is_bad(of) {
            return self.bad(span);
        }
        let complete = match self.types.as_record(of) {
            Some(record) => self.complete(record),
            None => None,
        };
        let size = match complete {
            Some(record) => Some(self.types.record(record).size),
            // As the option has it: without the NUL.
            None if self.types.is_string(of) => Some(self.types.strsize() - 1),
            None => self.types.size(of),
        };
        let size = size.filter(|n| *n > 0);
        if let Some(size) = size {
            let path = (Vec::new(), String::new());
            return self.of_record(complete, path, FieldInfo::TypeSize, size, span);
        }
        let what = self.describe(of);
        let mut d =
            Diagnostic::error("D_SIZEOF_TYPE", operand, format!("the size of {what} isn't known"));
        if let Some(record) = self.types.as_record(of)
            && let Some(tag) = self.types.record(record).tag.clone()
        {
            let keyword = if self.types.record(record).is_union { "union" } else { "struct" };
            if let Some(near) = self.near_type(keyword, &tag) {
                d = d.hint(format!("did you mean `{near}`?"));
            }
        }
        self.report(d);
        self.bad(span)
    }

    fn sizeof_expr(&mut self, operand: &ast::Expr, span: Span) -> Expr {
        if let Syntax::String(text) = &operand.kind {
            return int(text.len() as i64 + 1, self.basic.size, span);
        }
        // NULL is a pointer by its uses, but as written it is the int 0.
        if let Syntax::Name(ast::Scope::Global, name) = &operand.kind
            && name.name == "NULL"
        {
            return self.sizeof(self.basic.int, operand.span, span);
        }
        let value = self.expr(operand);
        if let Value::Plain(e) = &value
            && self.is_bit_field(e)
        {
            let message = "a bit-field has no size in bytes";
            self.report(Diagnostic::error("D_SIZEOF_BITFIELD", operand.span, message));
            return self.bad(span);
        }
        self.sizeof(value.ty(), operand.span, span)
    }

    fn offsetof(&mut self, name: &TypeName, path: &[Ident], span: Span) -> Expr {
        let mut ty = self.type_name(name);
        let mut bits = 0;
        let root = self.types.as_record(ty).and_then(|r| self.complete(r));
        let mut steps_taken = Vec::new();
        for member in path {
            if self.is_bad(ty) {
                return self.bad(span);
            }
            let record = match self.types.as_record(ty) {
                Some(record) => self.complete(record),
                None => None,
            };
            let Some(record) = record else {
                let what = self.describe(ty);
                self.report(
                    Diagnostic::error(
                        "D_OFFSETOF_TYPE",
                        name.span,
                        "`offsetof` needs a struct or union",
                    )
                    .here(format!("this is {what}")),
                );
                return self.bad(span);
            };
            let Some(steps) = self.member_path(record, &member.name) else {
                self.no_such_member("D_UNKNOWN", record, member);
                return self.bad(span);
            };
            for step in steps.iter() {
                let m = &self.types.record(step.record).members[step.index as usize];
                if m.bits.is_some() {
                    let message = "a bit-field has no offset in bytes";
                    self.report(Diagnostic::error("D_OFFSETOF_BITFIELD", member.span, message));
                    return self.bad(span);
                }
                bits += m.bit_offset;
                ty = m.ty;
                steps_taken.push(step.index);
            }
        }
        let members = path.iter().map(|m| format!(".{}", m.name)).collect::<String>();
        self.of_record(root, (steps_taken, members), FieldInfo::Offset, bits / 8, span)
    }

    /// What is so on the kernel compiled against, of a record or the members at a path in it. In
    /// what is for several kernels, those are asked.
    fn of_record(
        &mut self,
        record: Option<RecordId>,
        (path, members): (Vec<u32>, String),
        info: FieldInfo,
        value: u32,
        span: Span,
    ) -> Expr {
        let record = record.filter(|_| self.options.portable).map(|r| self.types.record(r));
        let Some((record, (module, root))) = record.and_then(|r| Some((r, r.btf.clone()?))) else {
            return int(i64::from(value), self.basic.size, span);
        };
        let name = format!("{}{members}", record.tag.as_deref().unwrap_or_default());
        let asked = OfKernel { module, root, path, name, info, value: value.cast_signed() };
        let kind = ExprKind::OfKernel(Rc::new(asked));
        Expr { kind, ty: self.basic.size, span: self.at(span) }
    }

    // ------------------------------------------------------------------- indexing

    /// `base[keys]`
    fn index(&mut self, base: &ast::Expr, keys: &[ast::Expr], span: Span) -> Value {
        if let Syntax::Name(scope, name) = &base.kind {
            if let Some(value) = self.index_name(*scope, name, keys, span) {
                return value;
            }
        } else if let Syntax::Aggregation(a) = &base.kind {
            let message = format!("`@{}` has one list of keys", a.name.name);
            self.report(
                Diagnostic::error("D_AGG_MDIM", span, message)
                    .hint(format!("separate keys by commas: `@{}[a, b]`", a.name.name)),
            );
            return self.bad_value(span);
        }
        let (value, len) = self.indexed(base);
        let [key] = keys else {
            for key in keys {
                self.rvalue(key);
            }
            if !self.is_bad(value.ty) {
                let what = self.describe(value.ty);
                self.report(
                    Diagnostic::error("D_ARR_BADREF", span, "only associative arrays have tuples")
                        .here(format!("what is indexed is {what}")),
                );
            }
            return self.bad_value(span);
        };
        let key = self.rvalue(key);
        if let (Some(len), Some(n)) = (len, constant(&key))
            && !self.within(n, len, key.span)
        {
            return self.bad_value(span);
        }
        Value::Plain(self.element(value, key, span))
    }

    /// What is indexed. A member that a translator makes is text, whatever it is declared
    /// as; if that is an array, this is how long.
    fn indexed(&mut self, base: &ast::Expr) -> (Expr, Option<u32>) {
        let (inner, name, arrow) = match &base.kind {
            Syntax::Member(inner, name) => (inner, name, false),
            Syntax::Arrow(inner, name) => (inner, name, true),
            _ => return (self.undecayed(base), None),
        };
        let inner = self.expr(inner);
        let len = match &inner {
            Value::Translated(t) => {
                let by = t.by.clone();
                let declared = self.declared_member(&by, name);
                declared.and_then(|ty| self.types.array(ty)).map(|(_, len)| len)
            }
            Value::Plain(_) => None,
        };
        let value = self.member(inner, name, arrow, base.span);
        (self.plain(value), len.filter(|n| *n > 1))
    }

    // ---------------------------------------------------------------- translation

    fn xlate(&mut self, name: &TypeName, operand: &ast::Expr, span: Span) -> Value {
        let ty = self.type_name(name);
        let input = self.expr(operand);
        let input = match input {
            Value::Plain(e) => Value::Plain(self.decay(e)),
            translated => translated,
        };
        if self.is_bad(ty) || self.is_bad(input.ty()) {
            return self.bad_value(span);
        }
        self.translate(ty, input, name.span, span)
    }

    /// Puts temporaries around a value that exists at run time.
    pub fn with_lets(&self, lets: Vec<(crate::typed::LocalId, Expr)>, e: Expr) -> Expr {
        wrap_lets(lets, e)
    }

    /// `a op b` in 64 bits, folded if both are constant.
    pub fn arithmetic(&mut self, op: BinaryOp, a: Expr, b: Expr, ty: TypeId, span: Span) -> Expr {
        let signed = self.types.is_signed(ty);
        match (constant(&a), constant(&b)) {
            (Some(x), Some(y)) => match super::binary::fold(op, signed, x, y) {
                Some(n) => int(n, ty, span),
                None => self.bad(span),
            },
            _ => binary(op, signed, a, b, ty, span),
        }
    }
}
