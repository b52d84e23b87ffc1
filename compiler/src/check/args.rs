//! `arg0` … `arg9` and `args[]`.
//!
//! In: the context of the clause. Out: words of the event, given the types that the
//! provider knows for them, translated where it asks for that. Notes in the clause's
//! environment that it depends on its probes' arguments.

use super::Checker;
use super::value::{Translated, Value, constant, int};
use crate::enabling::Dependence;
use crate::kernel::{ArgType, ProbeArg};
use crate::typed::{Expr, ExprKind};
use crate::types::{Space, TypeId};
use std::rc::Rc;
use strand_grammar::ast;
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::{SourceKind, Span};

/// N of `argN`.
pub(super) fn number_of(name: &str) -> Option<u8> {
    let digit = name.strip_prefix("arg")?;
    match digit.as_bytes() {
        [d @ b'0'..=b'9'] => Some(d - b'0'),
        _ => None,
    }
}

impl Checker<'_> {
    /// `argN`
    pub(super) fn raw_argument(&mut self, n: u8, span: Span) -> Value {
        let e = self.native_argument(n, span);
        Value::Plain(self.cast(e, self.basic.int64))
    }

    /// `argN` as the site has it: the event's word, or what the provider makes of these.
    fn native_argument(&mut self, n: u8, span: Span) -> Expr {
        let int64 = self.basic.int64;
        let raw = Expr { kind: ExprKind::RawArg(n), ty: int64, span };
        if self.env.raw_args {
            return raw;
        }
        self.env.dependence = self.env.dependence.max(Dependence::SiteArgs);
        let Some(context) = self.env.context.clone() else { return raw };
        if context.site_args.is_empty() {
            return raw;
        }
        let Some(text) = context.site_args.get(usize::from(n)) else { return int(0, int64, span) };
        let Some(syntax) = self.site_expr(text) else { return self.bad(span) };
        match self.of_event(&syntax, span) {
            Some(value) => {
                let e = self.plain(value);
                Expr { span, ..self.decay(e) }
            }
            None => self.bad(span),
        }
    }

    /// An expression over the event's own words.
    fn of_event(&mut self, syntax: &ast::Expr, span: Span) -> Option<Value> {
        let bindings = std::mem::take(&mut self.env.bindings);
        let value = self.expansion(syntax.span, span, |c| {
            c.env.raw_args = true;
            let value = c.expr(syntax);
            c.env.raw_args = false;
            value
        });
        self.env.bindings = bindings;
        value
    }

    /// The condition without which the event doesn't fire the probe.
    pub(super) fn site_condition(&mut self) -> Option<Expr> {
        let text = self.env.context.as_ref()?.when.clone()?;
        let syntax = self.site_expr(&text)?;
        let value = self.of_event(&syntax, syntax.span)?;
        Some(self.plain(value))
    }

    /// The syntax of an expression that a provider wrote.
    pub(super) fn site_expr(&mut self, text: &str) -> Option<Rc<ast::Expr>> {
        if let Some(known) = self.site_exprs.get(text) {
            return known.clone();
        }
        let program = format!("inline long value = {text};\n");
        let source = self.sources.add("<probe argument>", program, SourceKind::Library);
        let expr = self.parse(source).into_iter().find_map(|item| match item {
            ast::Item::Inline(inline) => Some(Rc::new(inline.value)),
            _ => None,
        });
        self.site_exprs.insert(text.to_owned(), expr.clone());
        expr
    }

    /// `args[N]`
    pub(super) fn typed_argument(&mut self, keys: &[ast::Expr], span: Span) -> Value {
        let why =
            |d: Diagnostic| d.here("each argument has a type of its own, so this must be a number");
        let Some((n, at)) = self.constant_index("args", keys, span, why) else {
            return self.bad_value(span);
        };
        self.env.dependence = Dependence::Args;
        let Some(context) = self.env.context.clone() else {
            if !self.env.in_clause {
                let message = "`args` means nothing outside of a clause";
                self.report(Diagnostic::error("D_ARGS_NONE", span, message));
            }
            return self.bad_value(span);
        };
        let arg = usize::try_from(n).ok().and_then(|n| context.args.get(n)).cloned();
        match arg {
            Some(arg) => self.argument(&arg, n, span),
            None => {
                self.no_such_argument(&context, n, at);
                self.bad_value(span)
            }
        }
    }

    /// The one index, a constant, of what is written like an array but has a type for each
    /// element, and where it is. `why` says more of an index that isn't one.
    pub(super) fn constant_index(
        &mut self,
        name: &str,
        keys: &[ast::Expr],
        span: Span,
        why: impl FnOnce(Diagnostic) -> Diagnostic,
    ) -> Option<(i64, Span)> {
        let [key] = keys else {
            let message = format!("`{name}` takes one index, not {}", keys.len());
            self.report(Diagnostic::error("D_PROTO_LEN", span, message));
            return None;
        };
        let index = self.rvalue(key);
        if self.is_bad(index.ty) {
            return None;
        }
        let n = constant(&index).filter(|_| self.types.is_integer(index.ty));
        if n.is_none() {
            let message = format!("the index of `{name}` isn't a constant");
            self.report(why(Diagnostic::error("D_PROTO_ARG", key.span, message)));
        }
        n.map(|n| (n, key.span))
    }

    fn no_such_argument(&mut self, context: &super::Context, n: i64, span: Span) {
        let probe = &context.probe;
        let message = format!("{probe} has no `args[{n}]`");
        let d = Diagnostic::error("D_ARGS_IDX", span, message);
        self.report(match context.args.len() {
            0 => d
                .here("the types of its arguments aren't known")
                .hint("use `arg0` … `arg9`, which are plain integers"),
            1 => d.here("it has `args[0]` only"),
            len => d.here(format!("it has `args[0]` to `args[{}]`", len - 1)),
        });
    }

    fn argument(&mut self, arg: &ProbeArg, n: i64, span: Span) -> Value {
        let at = self.at(span);
        let Some(ty) = self.argument_type(&arg.ty) else {
            let ArgType::D { text, .. } = &arg.ty else { return self.bad_value(span) };
            self.report(
                Diagnostic::error("D_ARGS_TYPE", span, format!("`args[{n}]` has an unknown type"))
                    .here(format!("the provider says it is `{text}`")),
            );
            return self.bad_value(span);
        };
        let native = self.native_argument(arg.native, at);
        if self.is_bad(native.ty) {
            return self.bad_value(span);
        }
        let points_to_record =
            self.types.pointee(ty).is_some_and(|to| self.types.as_record(to).is_some());
        let e = match native.kind {
            // A pointer to a struct that the event itself passes stays what the verifier
            // knows it to be.
            ExprKind::RawArg(_) if points_to_record && !self.types.is_userland(ty) => {
                Expr { ty, ..native }
            }
            _ if self.types.is_scalar(ty) => self.cast(native, ty),
            _ if self.types.is_string(ty) => {
                let space = match arg.ty {
                    ArgType::D { userland: true, .. } => Space::User,
                    _ => Space::Kernel,
                };
                let text = self.pointer_to(self.basic.char, space);
                let native = self.cast(native, text);
                self.as_string(native)
            }
            _ => {
                let what = self.describe(ty);
                self.report(
                    Diagnostic::error("D_ARGS_TYPE", span, format!("`args[{n}]` can't be had"))
                        .here(format!("{what} is passed by value")),
                );
                return self.bad_value(span);
            }
        };
        match &arg.translated {
            None => Value::Plain(e),
            Some(to) => self.translated_argument(e, to, n, span),
        }
    }

    fn translated_argument(&mut self, e: Expr, to: &str, n: i64, span: Span) -> Value {
        let Some(ty) = self.type_text(to) else {
            let message = format!("`args[{n}]` is translated to the unknown type `{to}`");
            self.report(Diagnostic::error("D_ARGS_TYPE", span, message));
            return self.bad_value(span);
        };
        if self.types.same(e.ty, ty) {
            return Value::Plain(e);
        }
        let record = self.types.pointee(ty).unwrap_or(ty);
        let Some(by) = self.find_translator(&Value::Plain(e.clone()), record) else {
            let from = self.text(e.ty);
            self.report(Diagnostic::error(
                "D_ARGS_XLATOR",
                span,
                format!("there is no translator from `{from}` to `{to}` for `args[{n}]`"),
            ));
            return self.bad_value(span);
        };
        let mut lets = Vec::new();
        let input = self.bind_argument(e, &mut lets);
        let pointer = self.types.pointee(ty).is_some();
        Value::Translated(Translated { by, input: Box::new(input), lets, pointer, ty, span })
    }

    fn argument_type(&mut self, ty: &ArgType) -> Option<TypeId> {
        match ty {
            ArgType::Btf { module, id } => {
                let owner = self.kernel_types.owner(self.kernel, module.as_deref())?;
                Some(self.kernel_types.import(&mut self.types, owner, *id))
            }
            ArgType::D { text, userland } => {
                let ty = self.type_text(text)?;
                match self.types.pointee(ty) {
                    Some(to) if *userland => Some(self.pointer_to(to, Space::User)),
                    _ => Some(ty),
                }
            }
        }
    }
}
