//! `uregs[]`: the registers of the current thread when it left user mode.
//!
//! In: a register's number, a constant of the standard library. Out: a read of the
//! kernel's own copy of it.

use super::Checker;
use super::value::Value;
use crate::builtins;
use crate::typed::Expr;
use strand_grammar::ast;
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

impl Checker<'_> {
    /// `uregs[N]`
    pub(super) fn user_register(&mut self, keys: &[ast::Expr], span: Span) -> Value {
        let why = |d: Diagnostic| {
            d.here("which register it is must be known when the program is compiled")
                .hint("use a name of a register, as in `uregs[R_PC]`")
        };
        let Some((n, at)) = self.constant_index("uregs", keys, span, why) else {
            return self.bad_value(span);
        };
        let Some(text) = usize::try_from(n).ok().and_then(builtins::register) else {
            self.report(
                Diagnostic::error("D_UNKNOWN", at, format!("there is no register {n}"))
                    .hint("use a name of a register, as in `uregs[R_PC]`"),
            );
            return self.bad_value(span);
        };
        let Some(syntax) = self.site_expr(text) else { return self.bad_value(span) };
        let bindings = std::mem::take(&mut self.env.bindings);
        let value = self.expansion(syntax.span, span, |c| c.expr(&syntax));
        self.env.bindings = bindings;
        let Some(value) = value else { return self.bad_value(span) };
        let e = self.plain(value);
        let e = self.decay(e);
        match self.type_text("uint64_t") {
            Some(ty) => {
                let e = self.cast(e, ty);
                Value::Plain(Expr { span: self.at(span), ..e })
            }
            None => self.bad_value(span),
        }
    }
}
