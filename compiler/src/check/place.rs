//! Places: members, elements, what pointers point to.
//!
//! In: `x.m`, `p->m`, `a[i]`, `*p`, `&x`. Out: reads of a [`Place`]: one base and all the
//! steps from it inwards, so that a run of members is one access.

use super::Checker;
use super::value::{Value, constant, int, place_of, space, within_lets};
use crate::elsewhere;
use crate::names::nearest;
use crate::typed::{Expr, ExprKind, Place, PlaceBase, Shape, Step, VariableId};
use crate::types::{RecordId, Space, Type, TypeId};
use std::rc::Rc;
use strand_grammar::ast::{BinaryOp, Ident, Scope};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// One step to a member; those of anonymous records are reached by several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathStep {
    pub record: RecordId,
    pub index: u32,
}

impl Checker<'_> {
    // ------------------------------------------------------------------- members

    /// `base.name` or `base->name`
    pub(super) fn member(&mut self, base: Value, name: &Ident, arrow: bool, span: Span) -> Value {
        let span = self.at(span);
        match base {
            Value::Translated(t) => {
                if t.pointer != arrow {
                    self.wrong_operator(t.ty, arrow, name.span, span);
                    return self.bad_value(span);
                }
                self.translated_member(t, name, span)
            }
            Value::Plain(e) if self.is_bad(e.ty) => Value::Plain(Expr { span, ..e }),
            Value::Plain(e) => {
                let e = within_lets(e, |e| {
                    let base = if arrow { self.pointed_at(e, name, span) } else { Some(e) };
                    match base {
                        Some(base) => self.record_member(base, name, arrow, span),
                        None => self.bad(span),
                    }
                });
                Value::Plain(e)
            }
        }
    }

    /// The struct that a pointer points to.
    fn pointed_at(&mut self, e: Expr, name: &Ident, span: Span) -> Option<Expr> {
        let e = self.decay(e);
        let Some(to) = self.types.pointee(e.ty) else {
            self.wrong_operator(e.ty, true, name.span, span);
            return None;
        };
        if self.is_bad(to) {
            return None;
        }
        if self.types.as_record(to).is_none() {
            let what = self.describe(to);
            self.report(
                Diagnostic::error(
                    "D_OP_SOU",
                    name.span,
                    format!("`->{}` needs a pointer to a struct or union", name.name),
                )
                .here(format!("this is a pointer to {what}")),
            );
            return None;
        }
        Some(self.read_through(e, span))
    }

    fn wrong_operator(&mut self, ty: TypeId, arrow: bool, member: Span, span: Span) {
        let what = self.describe(ty);
        let is_record = self.types.as_record(ty).is_some();
        let (code, message, hint) = if arrow {
            let hint = is_record.then_some("write `.` instead of `->`");
            ("D_OP_PTR", "`->` needs a pointer", hint)
        } else {
            let to_record =
                self.types.pointee(ty).is_some_and(|to| self.types.as_record(to).is_some());
            (
                "D_OP_SOU",
                "`.` needs a struct or union",
                to_record.then_some("write `->` instead of `.`"),
            )
        };
        let d =
            Diagnostic::error(code, span, message).here(format!("what it is applied to is {what}"));
        let _ = member;
        self.report(match hint {
            Some(hint) => d.hint(hint),
            None => d,
        });
    }

    /// A member of a struct that lies in memory or in a variable.
    fn record_member(&mut self, e: Expr, name: &Ident, arrow: bool, span: Span) -> Expr {
        let Some(record) = self.types.as_record(e.ty) else {
            self.wrong_operator(e.ty, arrow, name.span, span);
            return self.bad(span);
        };
        let Some(record) = self.complete(record) else {
            let what = self.text(e.ty);
            let mut d = Diagnostic::error(
                "D_OP_INCOMPLETE",
                name.span,
                format!("`{what}` is declared nowhere with its members"),
            );
            let keyword = if self.types.record(record).is_union { "union" } else { "struct" };
            let tag = self.types.record(record).tag.clone().unwrap_or_default();
            if let Some(near) = self.near_type(keyword, &tag) {
                d = d.hint(format!("did you mean `{near}`?"));
            }
            self.report(d);
            return self.bad(span);
        };
        let Some(path) = self.member_path(record, &name.name) else {
            self.no_such_member("D_TYPE_MEMBER", record, name);
            return self.bad(span);
        };
        let Some(mut place) = place_of(&e) else {
            self.report(
                Diagnostic::error("D_OP_SOU", span, "this struct isn't in memory")
                    .hint("assign it to a variable first"),
            );
            return self.bad(span);
        };
        for step in path.iter() {
            let member = &self.types.record(step.record).members[step.index as usize];
            place.ty = member.ty;
            place.steps.push(Step::Member { record: step.record, index: step.index });
        }
        place.span = span;
        self.read(place, span)
    }

    /// Reads a place. What a pointer in user memory points to is in user memory too.
    fn read(&mut self, mut place: Place, span: Span) -> Expr {
        if space(&place) == Space::User
            && let Type::Pointer { to, space: Space::Kernel } = *self.types.resolved(place.ty)
        {
            place.ty = self.pointer_to(to, Space::User);
        }
        let ty = place.ty;
        Expr { kind: ExprKind::Read(Box::new(place)), ty, span }
    }

    /// The record with its members; found elsewhere if it is only declared where it was named.
    pub(crate) fn complete(&mut self, record: RecordId) -> Option<RecordId> {
        let record = if self.types.record(record).complete {
            record
        } else {
            let keyword = if self.types.record(record).is_union { "union" } else { "struct" };
            let tag = self.types.record(record).tag.clone()?;
            let own = self.tags.get(&(keyword, tag)).and_then(|ty| self.types.as_record(*ty));
            match own.filter(|r| self.types.record(*r).complete) {
                Some(own) => own,
                None => {
                    let found = self.kernel_types.definition(self.kernel, &mut self.types, record);
                    found.filter(|r| self.types.record(*r).complete)?
                }
            }
        };
        self.kernel_types.load(self.kernel, &mut self.types, record);
        Some(record)
    }

    /// The way to a member, through anonymous structs and unions.
    pub(crate) fn member_path(&mut self, record: RecordId, name: &str) -> Option<Rc<[PathStep]>> {
        let key = (record, name.to_owned());
        if let Some(known) = self.member_paths.get(&key) {
            return known.clone();
        }
        let found = self.find_member(record, name).map(|mut steps| {
            steps.reverse();
            Rc::from(steps)
        });
        self.member_paths.insert(key, found.clone());
        found
    }

    /// Innermost step first.
    fn find_member(&mut self, record: RecordId, name: &str) -> Option<Vec<PathStep>> {
        self.kernel_types.load(self.kernel, &mut self.types, record);
        let members = &self.types.record(record).members;
        if let Some(index) = members.iter().position(|m| m.name == name) {
            return Some(vec![PathStep { record, index: index as u32 }]);
        }
        let anonymous: Vec<(usize, TypeId)> = members
            .iter()
            .enumerate()
            .filter(|(_, m)| m.name.is_empty() && m.bits.is_none())
            .map(|(i, m)| (i, m.ty))
            .collect();
        anonymous.into_iter().find_map(|(index, ty)| {
            let inner = self.types.as_record(ty)?;
            let mut steps = self.find_member(inner, name)?;
            steps.push(PathStep { record, index: index as u32 });
            Some(steps)
        })
    }

    /// Names of all members, those of anonymous records among them.
    pub(super) fn member_names(&mut self, record: RecordId) -> Vec<String> {
        self.kernel_types.load(self.kernel, &mut self.types, record);
        let members = self.types.record(record).members.clone();
        let mut names = Vec::new();
        for m in members {
            match self.types.as_record(m.ty) {
                Some(inner) if m.name.is_empty() => names.extend(self.member_names(inner)),
                _ => names.push(m.name),
            }
        }
        names
    }

    /// Reports a member that isn't there.
    pub(super) fn no_such_member(&mut self, code: &'static str, record: RecordId, name: &Ident) {
        let of = self.record_text(record);
        let message = format!("`{of}` has no member `{}`", name.name);
        let names = self.member_names(record);
        let d = Diagnostic::error(code, name.span, message);
        let elsewhere = Some(&name.name)
            .filter(|_| of == "struct task_struct")
            .and_then(|n| elsewhere::of_thread(n));
        let near = nearest(&name.name, names.iter().map(String::as_str));
        let d = match near {
            _ if elsewhere.is_some() => Diagnostic { hint: elsewhere, ..d },
            Some(near) => d.hint(format!("did you mean `{near}`?")),
            None if (1..=8).contains(&names.len()) => {
                d.note(format!("Its members are {}.", names.join(", ")))
            }
            None => d,
        };
        self.report(d);
    }

    pub(super) fn record_text(&mut self, record: RecordId) -> String {
        let ty = self.types.intern(Type::Record(record));
        self.text(ty)
    }

    // ------------------------------------------------------------------ elements

    /// `base[index]` of an array, a pointer or text.
    pub(super) fn element(&mut self, base: Expr, index: Expr, span: Span) -> Expr {
        let span = self.at(span);
        if self.is_bad(base.ty) || self.is_bad(index.ty) {
            return self.bad(span);
        }
        if !self.types.is_integer(index.ty) {
            let (a, i) = (self.text(base.ty), self.describe(index.ty));
            self.report(
                Diagnostic::error("D_OP_INCOMPAT", index.span, "an index has to be an integer")
                    .here(format!("this is {i}"))
                    .note(format!("What is indexed is `{a}`.")),
            );
            return self.bad(span);
        }
        let index = self.cast(index, self.basic.int64);
        within_lets(base, |base| {
            if let (Some((element, len)), Some(place)) =
                (self.types.array(base.ty), place_of(&base))
            {
                return self.array_element(place, element, len, index, span);
            }
            if self.types.is_string(base.ty) {
                return self.string_element(base, index, span);
            }
            let pointer = self.decay(base);
            match self.add_to_pointer(pointer, index, false, span) {
                Some(sum) => self.dereference(sum, span),
                None => self.bad(span),
            }
        })
    }

    fn array_element(
        &mut self,
        mut place: Place,
        element: TypeId,
        len: u32,
        index: Expr,
        span: Span,
    ) -> Expr {
        let own = !matches!(place.base, PlaceBase::Memory { .. });
        // The kernel's arrays of one element or none are often longer than they say.
        let len = (own || len > 1).then_some(len);
        if let (Some(i), Some(len)) = (constant(&index), len)
            && !self.within(i, len, index.span)
        {
            return self.bad(span);
        }
        let Some(stride) = self.types.size(element) else {
            self.unknown_size(element, span);
            return self.bad(span);
        };
        place.steps.push(Step::Index { index, stride, len });
        place.ty = element;
        place.span = span;
        self.read(place, span)
    }

    /// Whether an array of so many elements has an `i`-th; says so if not.
    pub(super) fn within(&mut self, i: i64, len: u32, at: Span) -> bool {
        let within = (0..i64::from(len)).contains(&i);
        if !within {
            let message = format!("index {i} is outside of the array");
            self.report(
                Diagnostic::error("D_ARR_BOUNDS", at, message)
                    .here(format!("it has elements 0 to {}", i64::from(len) - 1)),
            );
        }
        within
    }

    fn string_element(&mut self, base: Expr, index: Expr, span: Span) -> Expr {
        let char = self.basic.char;
        let mut place = match place_of(&base) {
            Some(place) => place,
            None => {
                let pointer = self.pointer_to(char, Space::Kernel);
                let address = Expr { kind: ExprKind::Cast(Box::new(base)), ty: pointer, span };
                let base = PlaceBase::Memory { address, space: Space::Kernel };
                Place { base, base_ty: char, steps: Vec::new(), ty: char, span }
            }
        };
        let len = Some(self.options.strsize);
        place.steps.push(Step::Index { index, stride: 1, len });
        place.ty = char;
        place.span = span;
        self.read(place, span)
    }

    fn unknown_size(&mut self, ty: TypeId, span: Span) {
        let message = format!("the size of `{}` isn't known", self.text(ty));
        self.report(Diagnostic::error("D_OP_INCOMPLETE", span, message));
    }

    // ------------------------------------------------------------------ pointers

    /// `p + i` or `p - i`, in units of what `p` points to. Reports what can't be done.
    pub(super) fn add_to_pointer(
        &mut self,
        p: Expr,
        i: Expr,
        minus: bool,
        span: Span,
    ) -> Option<Expr> {
        self.move_pointer("D_OP_INCOMPAT", p, i, minus, span)
    }

    /// Likewise; `unsized_code` is the tag for a pointer that has no unit.
    pub(super) fn move_pointer(
        &mut self,
        unsized_code: &'static str,
        p: Expr,
        i: Expr,
        minus: bool,
        span: Span,
    ) -> Option<Expr> {
        let Some(to) = self.types.pointee(p.ty) else {
            let what = self.describe(p.ty);
            self.report(
                Diagnostic::error(
                    "D_DEREF_NONPTR",
                    p.span,
                    "only pointers and arrays have elements",
                )
                .here(format!("this is {what}")),
            );
            return None;
        };
        if self.types.is_unsized_pointer(p.ty) {
            let what = self.text(p.ty);
            self.report(
                Diagnostic::error(unsized_code, span, format!("`{what}` has no unit to count in"))
                    .hint("cast it to `char *` to count in bytes"),
            );
            return None;
        }
        let complete = match self.types.as_record(to) {
            Some(record) => self.complete(record).is_some(),
            None => true,
        };
        let Some(size) = self.types.size(to).filter(|_| complete) else {
            self.unknown_size(to, span);
            return None;
        };
        let int64 = self.basic.int64;
        let i = self.cast(i, int64);
        let ty = p.ty;
        let offset = match constant(&i) {
            Some(0) => return Some(Expr { span, ..p }),
            Some(n) => int(n.wrapping_mul(i64::from(size)), int64, i.span),
            None if size == 1 => i,
            None => {
                let (at, unit) = (i.span, int(i64::from(size), int64, i.span));
                binary(BinaryOp::Mul, true, i, unit, int64, at)
            }
        };
        let op = if minus { BinaryOp::Sub } else { BinaryOp::Add };
        Some(binary(op, false, p, offset, ty, span))
    }

    /// `*e`
    pub(super) fn dereference(&mut self, e: Expr, span: Span) -> Expr {
        if self.is_bad(e.ty) {
            return self.bad(span);
        }
        if self.types.is_string(e.ty) || self.types.array(e.ty).is_some() {
            let zero = int(0, self.basic.int64, span);
            return self.element(e, zero, span);
        }
        let (code, what) = match self.types.pointee(e.ty) {
            None => ("D_DEREF_NONPTR", "only a pointer can be dereferenced"),
            Some(to) => match self.types.resolved(to) {
                Type::Void => ("D_DEREF_VOID", "a pointer to void points to nothing in particular"),
                Type::Function { .. } => ("D_DEREF_FUNC", "a function has no value"),
                _ => return within_lets(e, |e| self.read_through(e, span)),
            },
        };
        let ty = self.describe(e.ty);
        let d = Diagnostic::error(code, span, what).here(format!("this is {ty}"));
        self.report(match code {
            "D_DEREF_VOID" => d.hint("cast it to a pointer to what is there"),
            _ => d,
        });
        self.bad(span)
    }

    /// What a pointer to something with a size points to.
    pub(super) fn through(&mut self, e: Expr, span: Span) -> Expr {
        within_lets(e, |e| self.read_through(e, span))
    }

    /// What a pointer points to, whatever that is.
    fn read_through(&mut self, e: Expr, span: Span) -> Expr {
        let to = self.types.pointee(e.ty).unwrap_or(self.basic.bad);
        // `*&x` is x: the steps go on from there.
        if let ExprKind::AddressOf(place) = &e.kind
            && self.types.same(place.ty, to)
        {
            let place = Place { ty: to, span, ..(**place).clone() };
            return self.read(place, span);
        }
        let space = self.types.space(e.ty);
        let base = PlaceBase::Memory { address: e, space };
        self.read(Place { base, base_ty: to, steps: Vec::new(), ty: to, span }, span)
    }

    /// `&e`
    pub(super) fn address(&mut self, value: Value, span: Span) -> Expr {
        let e = match value {
            Value::Translated(_) => {
                let message = "what is translated has no address";
                self.report(Diagnostic::error("D_ADDROF_VAR", span, message));
                return self.bad(span);
            }
            Value::Plain(e) => e,
        };
        if self.is_bad(e.ty) {
            return e;
        }
        if self.is_dynamic(e.ty) {
            let message = format!("{} has no address", self.describe(e.ty));
            self.report(Diagnostic::error("D_ADDROF_VAR", span, message));
            return self.bad(span);
        }
        within_lets(e, |e| match &e.kind {
            ExprKind::Read(place) => match &place.base {
                _ if self.is_bit_field(&e) => {
                    let message = "a bit-field has no address";
                    self.report(Diagnostic::error("D_ADDROF_BITFIELD", span, message));
                    self.bad(span)
                }
                PlaceBase::Memory { address, space } => {
                    let ty = self.pointer_to(e.ty, *space);
                    if place.steps.is_empty() {
                        return Expr { ty, span, ..self.cast(address.clone(), ty) };
                    }
                    Expr { kind: ExprKind::AddressOf(place.clone()), ty, span }
                }
                PlaceBase::Variable(id) if self.is_global(*id) => {
                    let ty = self.pointer_to(e.ty, Space::Kernel);
                    Expr { kind: ExprKind::AddressOf(place.clone()), ty, span }
                }
                _ => self.variable_address(span),
            },
            ExprKind::Variable(_) | ExprKind::Element(..) | ExprKind::Builtin(_) => {
                self.variable_address(span)
            }
            _ => {
                let message = "only what lies in memory has an address";
                self.report(Diagnostic::error("D_ADDROF_LVAL", span, message));
                self.bad(span)
            }
        })
    }

    /// Globals that are not associative stay where they are.
    fn is_global(&self, id: VariableId) -> bool {
        let v = &self.variables[id.0 as usize];
        v.scope == Scope::Global && matches!(v.shape, Shape::Scalar)
    }

    fn variable_address(&mut self, span: Span) -> Expr {
        let message = "a variable of D has no address";
        self.report(
            Diagnostic::error("D_ADDROF_VAR", span, message)
                .hint("a member or element of a global struct or array has one"),
        );
        self.bad(span)
    }

    /// Whether an expression is a bit-field's value.
    pub(super) fn is_bit_field(&self, e: &Expr) -> bool {
        let ExprKind::Read(place) = &e.kind else { return false };
        match place.steps.last() {
            Some(Step::Member { record, index }) => {
                self.types.record(*record).members[*index as usize].bits.is_some()
            }
            _ => false,
        }
    }
}

/// `a op b`
pub(super) fn binary(op: BinaryOp, signed: bool, a: Expr, b: Expr, ty: TypeId, span: Span) -> Expr {
    Expr { kind: ExprKind::Binary { op, signed, a: Box::new(a), b: Box::new(b) }, ty, span }
}
