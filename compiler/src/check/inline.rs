//! Definitions of inlines.
//!
//! In: `inline T name = e;`, `inline T name[T a] = e;`. Out: a name that stands for an
//! expression. The definition must make sense by itself, used or not; what a use means is
//! found out in `name` and `call`.

use super::Checker;
use super::value::Value;
use crate::names::{Inline, Symbol};
use std::rc::Rc;
use strand_grammar::ast;
use strand_grammar::diagnostic::Diagnostic;

impl Checker<'_> {
    pub(super) fn inline(&mut self, inline: &ast::Inline) {
        let name = &inline.name;
        let library = self.in_library(name.span);
        let ty = self.type_name(&inline.ty);
        let params = inline.params.as_ref().map(|params| {
            params
                .iter()
                .map(|p| {
                    let ty = self.type_name(&p.ty);
                    (p.name.as_ref().map_or_else(String::new, |n| n.name.clone()), ty)
                })
                .collect::<Vec<_>>()
        });
        if self.types.is_void(ty) {
            self.report(
                Diagnostic::error("D_DECL_VOIDOBJ", inline.span, "an inline has to have a value")
                    .here("this one is of type void"),
            );
            return;
        }
        if !library && self.is_own(&name.name) {
            self.report(
                Diagnostic::error("D_DECL_IDRED", name.span, format!("`{}` is D's own", name.name))
                    .here("what is built in can't be declared again"),
            );
            return;
        }
        if let Some(old) = self.names.global(&name.name) {
            if !library {
                let message = format!("`{}` is already an {}", name.name, old.kind());
                self.report(Diagnostic::error("D_DECL_IDRED", name.span, message));
            }
            return;
        }
        let definition = Rc::new(Inline {
            name: name.name.clone(),
            ty,
            params,
            value: inline.value.clone(),
            span: inline.span,
        });
        // The definition itself must make sense, used or not. It can't use its own name.
        if !library {
            self.check_inline(&definition);
        }
        self.names.define(&name.name, Symbol::Inline(definition));
    }

    fn check_inline(&mut self, inline: &Inline) {
        let params = inline.params.iter().flatten();
        let bindings = params
            .map(|(name, ty)| {
                let local = self.local();
                let kind = crate::typed::ExprKind::Local(local);
                let e = crate::typed::Expr { kind, ty: *ty, span: inline.span };
                (name.clone(), Value::Plain(e))
            })
            .collect();
        let outer = std::mem::replace(&mut self.env.bindings, bindings);
        self.defining(&inline.name, |c| c.inline_value(inline));
        self.env.bindings = outer;
    }
}
