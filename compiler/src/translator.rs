//! Translators: how a struct of the kernel is shown as another that stays the same.
//!
//! In: `translator Out < In id > { member = e; … };` and uses by `xlate` or by a probe's
//! translated arguments. Out: each use of a member becomes the member's expression with
//! the input bound to its name; nothing is left of the struct when the program runs.

use crate::check::Checker;
use crate::check::value::{Translated, Value};
use crate::typed::{Expr, ExprKind, Place, PlaceBase};
use crate::types::{Space, TypeId};
use std::rc::Rc;
use strand_grammar::ast::{self, Ident};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// A translator.
#[derive(Debug)]
pub(crate) struct Translator {
    /// What it makes: a struct or union.
    pub output: TypeId,
    /// From what.
    pub input: TypeId,
    /// What members' expressions call the input.
    param: String,
    members: Vec<(Ident, ast::Expr)>,
    span: Span,
}

impl Checker<'_> {
    /// A definition.
    pub(crate) fn translator(&mut self, t: &ast::Translator) {
        let output = self.type_name(&t.output);
        let input = self.type_name(&t.input);
        if self.is_bad(output) || self.is_bad(input) {
            return;
        }
        let record = match self.types.as_record(output) {
            Some(record) => self.complete(record),
            None => None,
        };
        let Some(record) = record else {
            let what = self.describe(output);
            self.report(
                Diagnostic::error(
                    "D_XLATE_SOU",
                    t.output.span,
                    "only structs can be translated to",
                )
                .here(format!("this is {what}")),
            );
            return;
        };
        let same = |k: &Rc<Translator>| {
            self.types.same(k.output, output) && self.types.same(k.input, input)
        };
        if let Some(first) = self.translators.iter().find(|k| same(k)).map(|k| k.span) {
            self.report(
                Diagnostic::error("D_XLATE_REDECL", t.span, "this translator is declared twice")
                    .label(first, "first here"),
            );
            return;
        }
        let translator = Rc::new(Translator {
            output,
            input,
            param: t.param.name.clone(),
            members: t.members.clone(),
            span: t.span,
        });
        self.translators.push(translator.clone());
        for (name, _) in &t.members {
            if self.member_path(record, &name.name).is_none() {
                let of = self.text(output);
                self.report(Diagnostic::error(
                    "D_XLATE_MEMB",
                    name.span,
                    format!("`{of}` has no member `{}`", name.name),
                ));
            }
        }
        // The library's are known to be right, and only what is used costs time.
        if !self.in_library(t.span) {
            self.try_members(&translator);
        }
    }

    /// Checks every member's expression, so that errors show where they are made.
    fn try_members(&mut self, t: &Rc<Translator>) {
        let input = self.any_value(t.input, t.span);
        let names: Vec<Ident> = t.members.iter().map(|(n, _)| n.clone()).collect();
        for name in names {
            let translated = Translated {
                by: t.clone(),
                input: Box::new(Value::Plain(input.clone())),
                lets: Vec::new(),
                pointer: false,
                ty: t.output,
                span: t.span,
            };
            self.translated_member(translated, &name, name.span);
        }
    }

    /// Some value of this type; a struct is one in memory.
    fn any_value(&mut self, ty: TypeId, span: Span) -> Expr {
        let local = ExprKind::Local(self.local());
        if self.types.as_record(ty).is_none() {
            return Expr { kind: local, ty, span };
        }
        let address = Expr { kind: local, ty: self.pointer_to(ty, Space::Kernel), span };
        let base = PlaceBase::Memory { address, space: Space::Kernel };
        let place = Place { base, base_ty: ty, steps: Vec::new(), ty, span };
        Expr { kind: ExprKind::Read(Box::new(place)), ty, span }
    }

    /// The translator from a value to a struct, if there is one.
    pub(crate) fn find_translator(&mut self, from: &Value, to: TypeId) -> Option<Rc<Translator>> {
        let ty = from.ty();
        let known = |c: &Self| {
            c.translators.iter().find(|t| c.types.same(t.output, to) && c.takes(t, ty)).cloned()
        };
        if let Some(t) = known(self) {
            return Some(t);
        }
        let name = self.text(to);
        let name = name.rsplit(' ').next().unwrap_or(&name).to_owned();
        self.load_library(&name);
        known(self)
    }

    fn takes(&self, t: &Translator, ty: TypeId) -> bool {
        self.types.same(t.input, ty)
            || (self.types.is_integer(t.input) && self.types.is_integer(ty))
            || (self.types.pointee(t.input).is_some() && self.types.pointers_agree(ty, t.input))
    }

    /// `xlate <T>(input)`
    pub(crate) fn translate(&mut self, ty: TypeId, input: Value, name: Span, span: Span) -> Value {
        let record = self.types.pointee(ty).unwrap_or(ty);
        let Some(by) = self.find_translator(&input, record) else {
            let (from, to) = (self.text(input.ty()), self.text(record));
            self.report(
                Diagnostic::error(
                    "D_XLATE_NONE",
                    name,
                    format!("there is no translator from `{from}` to `{to}`"),
                )
                .label(input.span(), format!("this is `{from}`")),
            );
            return self.bad_value(span);
        };
        let mut lets = Vec::new();
        let input = match input {
            Value::Plain(e) => self.bind_argument(e, &mut lets),
            translated => translated,
        };
        let pointer = self.types.pointee(ty).is_some();
        Value::Translated(Translated { by, input: Box::new(input), lets, pointer, ty, span })
    }

    /// A member of a translated struct.
    pub(crate) fn translated_member(&mut self, t: Translated, name: &Ident, span: Span) -> Value {
        let by = t.by.clone();
        let Some((_, syntax)) = by.members.iter().find(|(n, _)| n.name == name.name) else {
            return self.no_conversion(&by, name, span);
        };
        let binding = vec![(by.param.clone(), (*t.input).clone())];
        let outer = std::mem::replace(&mut self.env.bindings, binding);
        let value = self.expansion(syntax.span, span, |c| c.expr(syntax));
        self.env.bindings = outer;
        match value {
            None => self.bad_value(span),
            Some(Value::Translated(mut inner)) => {
                let mut lets = t.lets;
                lets.append(&mut inner.lets);
                Value::Translated(Translated { lets, ..inner })
            }
            Some(Value::Plain(e)) => {
                let e = self.as_member(&by, name, e);
                let e = self.with_lets(t.lets, e);
                Value::Plain(Expr { span, ..e })
            }
        }
    }

    /// The type that a translator's member is declared with.
    pub(crate) fn declared_member(&mut self, by: &Translator, name: &Ident) -> Option<TypeId> {
        let record = self.types.as_record(by.output)?;
        let steps = self.member_path(record, &name.name)?;
        let last = steps.last()?;
        Some(self.types.record(last.record).members[last.index as usize].ty)
    }

    /// The value as the type that the member is declared with.
    fn as_member(&mut self, by: &Rc<Translator>, name: &Ident, e: Expr) -> Expr {
        let Some(wanted) = self.declared_member(by, name) else { return e };
        let found = e.ty;
        // Text stays text: a member that is a char array is one in name only.
        if self.types.is_text(wanted) && self.types.is_text(found) {
            return self.as_string(e);
        }
        match self.coerce(e.clone(), wanted) {
            Some(e) => e,
            // Addresses are shown as plain numbers, by the library also as opaque addresses.
            None if self.types.is_scalar(found)
                && (self.types.is_integer(wanted) || self.in_library(by.span))
                && self.types.is_scalar(wanted) =>
            {
                self.cast(e, wanted)
            }
            None => {
                let (found, wanted) = (self.describe(found), self.describe(wanted));
                self.report(
                    Diagnostic::error(
                        "D_XLATE_INCOMPAT",
                        e.span,
                        format!("member `{}` can't be {found}", name.name),
                    )
                    .label(name.span, format!("it is declared as {wanted}")),
                );
                self.bad(e.span)
            }
        }
    }

    fn no_conversion(&mut self, by: &Rc<Translator>, name: &Ident, span: Span) -> Value {
        let of = self.text(by.output);
        let exists = self
            .types
            .as_record(by.output)
            .is_some_and(|record| self.member_path(record, &name.name).is_some());
        let defined: Vec<&str> = by.members.iter().map(|(n, _)| n.name.as_str()).collect();
        let d = if exists {
            let message = format!("the translator gives `{of}` no `{}`", name.name);
            Diagnostic::error("D_XLATE_NOCONV", name.span, message)
                .note(format!("It has {}.", defined.join(", ")))
        } else {
            let message = format!("`{of}` has no member `{}`", name.name);
            let d = Diagnostic::error("D_IDENT_UNDEF", name.span, message);
            match crate::names::nearest(&name.name, defined) {
                Some(near) => d.hint(format!("did you mean `{near}`?")),
                None => d,
            }
        };
        self.report(d);
        self.bad_value(span)
    }
}
