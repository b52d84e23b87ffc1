//! Conversions: to a type that is wanted, to text, from arrays to pointers.
//!
//! In: typed expressions. Out: typed expressions of another type, or `None` where D has
//! no such conversion; the caller knows what to say then.

use super::Checker;
use super::value::{Value, constant, int, place_of, space, within_lets};
use crate::typed::{Expr, ExprKind};
use crate::types::{Space, Type, TypeId};
use strand_grammar::source::Span;

impl Checker<'_> {
    /// Arrays are pointers to their first element wherever they are used as values, and
    /// functions pointers to themselves.
    pub fn decay(&mut self, e: Expr) -> Expr {
        if let Type::Function { .. } = self.types.resolved(e.ty) {
            let span = e.span;
            return self.address(Value::Plain(e), span);
        }
        let Some((element, _)) = self.types.array(e.ty) else { return e };
        within_lets(e, |e| match place_of(&e) {
            Some(place) => {
                let ty = self.pointer_to(element, space(&place));
                Expr { kind: ExprKind::AddressOf(Box::new(place)), ty, span: e.span }
            }
            None => e,
        })
    }

    /// A cast between integers, enums and pointers; folded if constant.
    pub fn cast(&mut self, e: Expr, ty: TypeId) -> Expr {
        let e = self.decay(e);
        let span = e.span;
        if self.types.resolve(e.ty) == self.types.resolve(ty) || self.is_bad(e.ty) {
            return Expr { ty, ..e };
        }
        match constant(&e) {
            Some(n) => int(self.types.wrap(ty, n), ty, span),
            None => Expr { kind: ExprKind::Cast(Box::new(e)), ty, span },
        }
    }

    /// Text, or the text at an address, as a `string`. The operand is a string, pointer,
    /// integer or char array.
    pub fn as_string(&mut self, e: Expr) -> Expr {
        let string = self.basic.string;
        if self.types.is_string(e.ty) || self.is_bad(e.ty) {
            return Expr { ty: string, ..e };
        }
        let limit = self.types.array(e.ty).map(|(_, len)| len).filter(|n| *n > 0);
        let array = self.types.array(e.ty).is_some();
        let pointer_space = self.types.space(e.ty);
        within_lets(e, |e| {
            let span = e.span;
            let (address, space) = match place_of(&e).filter(|_| array) {
                Some(place) => {
                    let space = space(&place);
                    (self.decay(e), space)
                }
                None => (e, pointer_space),
            };
            let kind = ExprKind::StringAt { address: Box::new(address), space, limit };
            Expr { kind, ty: string, span }
        })
    }

    /// The expression as a value of `to`, if D lets one be assigned to the other: integers
    /// to each other, text to `string`, pointers that agree or a constant 0, equal structs.
    pub fn coerce(&mut self, e: Expr, to: TypeId) -> Option<Expr> {
        if self.is_bad(e.ty) || self.is_bad(to) {
            return Some(Expr { ty: to, ..self.bad(e.span) });
        }
        let types = &self.types;
        if types.is_integer(to) && self.is_null(&e) {
            return Some(int(0, to, e.span));
        }
        if types.is_integer(to) {
            return types.is_integer(e.ty).then(|| self.cast(e, to));
        }
        if types.is_string(to) && types.is_scalar(e.ty) && constant(&e) == Some(0) {
            return Some(self.null_string(e.span));
        }
        if types.is_string(to) {
            return types.is_text(e.ty).then(|| Expr { ty: to, ..self.as_string(e) });
        }
        if types.pointee(to).is_some() {
            if types.is_integer(e.ty) {
                return (constant(&e) == Some(0)).then(|| int(0, to, e.span));
            }
            // The address of text is good for the rest of the clause.
            let to_char = self.types.pointee(to).is_some_and(|to| self.types.is_char(to));
            if to_char && self.types.is_string(e.ty) {
                let span = e.span;
                return Some(Expr { kind: ExprKind::Cast(Box::new(e)), ty: to, span });
            }
            let e = self.decay(e);
            return self.types.pointers_agree(e.ty, to).then(|| self.cast(e, to));
        }
        self.types.same(e.ty, to).then_some(Expr { ty: to, ..e })
    }

    /// NULL as a string.
    pub fn null_string(&self, span: Span) -> Expr {
        let address = Box::new(int(0, self.basic.void_pointer, span));
        let kind = ExprKind::StringAt { address, space: Space::Kernel, limit: None };
        Expr { kind, ty: self.basic.string, span }
    }

    /// The type a constant of this value has if nothing else is said: C99 6.4.4.1.
    pub fn literal_type(&self, value: u64, suffix: strand_grammar::ast::IntegerSuffix) -> TypeId {
        let b = &self.basic;
        let fits = |max: u64| value <= max;
        let unsigned_only = suffix.unsigned;
        let signed_only = suffix.decimal && !suffix.unsigned;
        let candidates = [
            (b.int, i32::MAX as u64, true, 0),
            (b.unsigned_int, u64::from(u32::MAX), false, 0),
            (b.long, i64::MAX as u64, true, 2),
            (b.unsigned_long, u64::MAX, false, 2),
        ];
        candidates
            .into_iter()
            .filter(|(.., longs)| *longs >= suffix.longs.min(1))
            .find(|(_, max, signed, _)| {
                fits(*max) && !(unsigned_only && *signed) && (!signed_only || *signed)
            })
            .map_or(b.unsigned_long, |(ty, ..)| ty)
    }

    /// In a message: an expression's type, with a word for what has no C name.
    pub fn describe(&self, ty: TypeId) -> String {
        match self.types.get(ty) {
            _ if ty == self.basic.aggregation => "an aggregation".to_owned(),
            _ if ty == self.basic.translated => "a translated struct".to_owned(),
            Type::Void => "void".to_owned(),
            _ => format!("`{}`", self.text(ty)),
        }
    }

    /// Something of a type, in messages.
    pub fn a_value(&self, ty: TypeId) -> String {
        let shown = self.describe(ty);
        if shown.starts_with('`') { format!("a value of type {shown}") } else { shown }
    }

    /// A string constant.
    pub fn string(&self, text: &[u8], span: Span) -> Expr {
        Expr { kind: ExprKind::String(text.to_vec()), ty: self.basic.string, span }
    }
}
