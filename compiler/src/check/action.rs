//! Actions: calls that are statements.
//!
//! In: a call. Out: a typed action with its arguments checked, or a subroutine evaluated
//! for its effect.

use super::Checker;
use super::call::count;
use super::format::{self, Wants};
use super::order::Kind;
use super::value::constant;
use crate::builtins::{self, ResultType};
use crate::manifest::{Conversion, Count, Format, FormatPiece};
use crate::typed::{Action, AggregationId, Expr, ExprKind, StatementKind};
use crate::types::Type;
use strand_grammar::ast::{self, ExprKind as Syntax, Ident};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

impl Checker<'_> {
    /// A call as a statement; `None` if it is wrong.
    pub(super) fn call_statement(
        &mut self,
        function: &Ident,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<StatementKind> {
        let name = function.name.as_str();
        let action = match name {
            "trace" => self.trace(args, span)?,
            "printf" => self.printf(args, span)?,
            "printa" => self.printa(args, span)?,
            "exit" => {
                let [status] = self.scalars(name, args, 1, span)?.try_into().ok()?;
                self.in_order(Kind::Exit, span);
                Action::Exit(status)
            }
            "clear" => Action::Clear(self.only_aggregation(name, args, 1, span)?.0),
            "denormalize" => Action::Denormalize(self.only_aggregation(name, args, 1, span)?.0),
            "trunc" => {
                let (a, rest) = self.only_aggregation(name, args, 2, span)?;
                let keep = match rest {
                    [] => None,
                    [n, ..] => Some(self.integer_argument(name, 1, n)?),
                };
                Action::Trunc(a, keep)
            }
            "normalize" => {
                let (a, rest) = self.only_aggregation(name, args, 2, span)?;
                let [by] = rest else {
                    self.wrong_count(name, args.len(), 2, Some(2), span);
                    return None;
                };
                Action::Normalize(a, self.normal(by)?)
            }
            "speculate" | "commit" | "discard" => self.speculative(name, args, span)?,
            "tracemem" => self.tracemem(args, span)?,
            "print" => self.print(args, span)?,
            "system" | "freopen" | "ftruncate" | "setopt" | "raise" | "stop" | "chill"
            | "return" | "pcap" | "panic" | "breakpoint" => self.effect(name, args, span)?,
            _ => return self.other_call(function, args, span),
        };
        if matches!(
            action,
            Action::Clear(_) | Action::Trunc(..) | Action::Normalize(..) | Action::Denormalize(_)
        ) {
            self.in_order(Kind::Record, span);
        }
        Some(StatementKind::Action(action))
    }

    fn other_call(
        &mut self,
        function: &Ident,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<StatementKind> {
        let Some(subroutine) = builtins::subroutine(&function.name) else {
            let e = match builtins::WRITTEN.contains(&function.name.as_str()) {
                true => self.call(function, args, span),
                false => self.uncallable(function, args, span),
            };
            let e = self.plain(e);
            return (!self.is_bad(e.ty)).then_some(StatementKind::Expr(e));
        };
        let e = self.subroutine(subroutine, args, span);
        if self.is_bad(e.ty) {
            return None;
        }
        Some(match subroutine.result {
            // A stack or symbol as a statement is shown.
            ResultType::Stack { .. } | ResultType::Symbol { .. } => {
                self.in_order(Kind::Record, span);
                StatementKind::Action(Action::Show(e))
            }
            ResultType::D(_) | ResultType::Scratch => StatementKind::Expr(e),
        })
    }

    // -------------------------------------------------------------------- data

    fn trace(&mut self, args: &[ast::Expr], span: Span) -> Option<Action> {
        let [arg] = args else {
            self.wrong_count("trace", args.len(), 1, Some(1), span);
            return None;
        };
        self.in_order(Kind::Record, span);
        let e = self.undecayed(arg);
        if self.is_bad(e.ty) {
            return None;
        }
        if self.is_dynamic(e.ty) {
            let what = self.describe(e.ty);
            let d = Diagnostic::error("D_TRACE_DYN", arg.span, "`trace()` needs a value");
            let d = d.here(format!("this is {what}"));
            self.report(if e.ty == self.basic.aggregation {
                d.hint("print it with `printa()`")
            } else {
                d.hint("trace one of its members")
            });
            return None;
        }
        if self.types.is_void(e.ty) || self.types.size(e.ty).is_none_or(|n| n == 0) {
            let what = self.describe(e.ty);
            self.report(
                Diagnostic::error("D_TRACE_VOID", arg.span, "`trace()` needs a value")
                    .here(format!("this is {what}")),
            );
            return None;
        }
        let is_stack = matches!(
            self.types.resolved(e.ty),
            Type::Stack(_) | Type::UserStack(_) | Type::Symbol(_) | Type::UserSymbol(_)
        );
        Some(if is_stack { Action::Show(e) } else { Action::Trace(e) })
    }

    fn printf(&mut self, args: &[ast::Expr], span: Span) -> Option<Action> {
        let Some((first, rest)) = args.split_first() else {
            self.wrong_count("printf", 0, 1, None, span);
            return None;
        };
        self.in_order(Kind::Record, span);
        let format = |c: &mut Self| c.format("printf", first);
        let (format, args) = self.format_arguments("printf", format, rest, first.span, span)?;
        Some(Action::Printf { format, args })
    }

    /// A format, and what is to be formatted, as the conversions want it. What is wrong with
    /// the arguments themselves is told first.
    pub(super) fn format_arguments(
        &mut self,
        name: &str,
        format: impl FnOnce(&mut Self) -> Option<Format>,
        args: &[ast::Expr],
        text: Span,
        span: Span,
    ) -> Option<(Format, Vec<Expr>)> {
        let values: Vec<Expr> = args.iter().map(|a| self.undecayed(a)).collect();
        let format = format(self);
        if values.iter().any(|v| self.is_bad(v.ty)) {
            return None;
        }
        let format = format?;
        let args = self.converted(name, &format, values, text, span, false)?;
        Some((format, args))
    }

    pub(super) fn format(&mut self, name: &str, e: &ast::Expr) -> Option<Format> {
        let Syntax::String(text) = &e.kind else {
            let value = self.undecayed(e);
            if self.is_bad(value.ty) {
                return None;
            }
            let code = match (self.types.is_text(value.ty), name) {
                (true, _) => "D_PRINTF_ARG_FMT",
                (false, "printa") => "D_PRINTA_AGGARG",
                (false, _) => "D_PROTO_ARG",
            };
            let found = self.describe(value.ty);
            let message = format!("the format of `{name}()` isn't a string constant");
            self.report(
                Diagnostic::error(code, e.span, message)
                    .here(format!("this is {found}"))
                    .hint(format!("write `{name}(\"%s\", …)` to print a string")),
            );
            return None;
        };
        if text.is_empty() {
            let message = format!("the format of `{name}()` is empty");
            self.report(Diagnostic::error("D_PRINTF_FMT_EMPTY", e.span, message));
            return None;
        }
        match format::parse(text) {
            Ok(format) => Some(format),
            Err(problem) => {
                self.report(
                    Diagnostic::error("D_SYNTAX", e.span, problem)
                        .hint("conversions are %d %u %x %s %p %k %a %Y …; write %% for a `%`"),
                );
                None
            }
        }
    }

    /// The arguments of a format's conversions, each as its conversion wants it.
    fn converted(
        &mut self,
        name: &str,
        format: &Format,
        values: Vec<Expr>,
        text: Span,
        span: Span,
        printa: bool,
    ) -> Option<Vec<Expr>> {
        let given = values.len();
        let mut values = values.into_iter();
        let mut out = Vec::new();
        let mut fine = true;
        for piece in &format.pieces {
            let FormatPiece::Conversion(c) = piece else { continue };
            for count in [c.width, c.precision] {
                if count == Some(Count::Argument) {
                    match values.next() {
                        Some(v) if self.types.is_integer(v.ty) => out.push(v),
                        Some(v) => {
                            fine = false;
                            self.not_an_integer(name, &v);
                        }
                        None => return self.too_few("D_PRINTF_DYN_PROTO", name, given, text, span),
                    }
                }
            }
            if c.aggregation {
                if !printa {
                    let message = "`%@` stands for an aggregation, which only `printa()` prints";
                    self.report(Diagnostic::error("D_PRINTF_AGG_CONV", text, message));
                    return None;
                }
                continue;
            }
            let Some(value) = values.next() else {
                return self.too_few("D_PRINTF_ARG_PROTO", name, given, text, span);
            };
            match self.for_conversion(name, c, value) {
                Some(value) => out.push(value),
                None => fine = false,
            }
        }
        if let Some(extra) = values.next()
            && !printa
        {
            let (given, used) = (count(given, "argument"), count(out.len(), "conversion"));
            let message = format!("`{name}()` has {given} for {used}");
            self.report(
                Diagnostic::error("D_PRINTF_ARG_EXTRA", extra.span, message)
                    .here("the format doesn't use this")
                    .label(text, "the format"),
            );
            return None;
        }
        fine.then_some(out)
    }

    fn not_an_integer(&mut self, name: &str, v: &Expr) {
        let found = self.describe(v.ty);
        let message = format!("a `*` in the format of `{name}()` needs an integer");
        self.report(
            Diagnostic::error("D_PRINTF_DYN_TYPE", v.span, message)
                .here(format!("this is {found}")),
        );
    }

    fn too_few(
        &mut self,
        code: &'static str,
        name: &str,
        given: usize,
        text: Span,
        span: Span,
    ) -> Option<Vec<Expr>> {
        let found = match given {
            0 => "no arguments".to_owned(),
            n => format!("only {}", count(n, "argument")),
        };
        let message = format!("`{name}()` has {found} for its format");
        self.report(Diagnostic::error(code, span, message).label(text, "the format"));
        None
    }

    fn for_conversion(&mut self, name: &str, c: &Conversion, value: Expr) -> Option<Expr> {
        let ty = value.ty;
        let span = value.span;
        let is_symbol = matches!(self.types.resolved(ty), Type::Symbol(_) | Type::UserSymbol(_));
        let is_stack = matches!(self.types.resolved(ty), Type::Stack(_) | Type::UserStack(_));
        let wants = format::wants(c);
        if self.is_bad(ty) {
            return None;
        }
        let ok = match wants {
            // NULL is 0 too.
            Wants::Integer => self.types.is_integer(ty) || is_symbol || self.is_null(&value),
            Wants::Float => self.types.is_float(ty) || self.types.is_integer(ty),
            Wants::Scalar => {
                self.types.is_scalar(ty) || is_symbol || self.types.array(ty).is_some()
            }
            Wants::Text => self.types.is_text(ty) || is_symbol,
            Wants::Stack => is_stack,
            Wants::Address => self.types.is_scalar(ty) || is_symbol,
        };
        if !ok {
            let wanted = format::wanted_text(wants);
            let found = self.describe(ty);
            let message = format!("`%{}` in `{name}()` needs {wanted}", c.letter);
            let d = Diagnostic::error("D_PRINTF_ARG_TYPE", span, message)
                .here(format!("this is {found}"));
            let pointer = self.types.pointee(ty).is_some();
            self.report(match (wants, pointer, self.types.is_text(ty)) {
                (Wants::Text, true, _) => d.hint("use `stringof(…)` for the text at an address"),
                (Wants::Integer, true, false) => d.hint("print pointers with %p"),
                (Wants::Integer, _, true) => d.hint("print text with %s"),
                (Wants::Text, ..) => d.hint("print integers with %d, %u or %x"),
                _ => d,
            });
            return None;
        }
        Some(match wants {
            Wants::Text if !is_symbol => self.as_string(value),
            Wants::Scalar => self.decay(value),
            _ => value,
        })
    }

    // ------------------------------------------------------------- aggregations

    /// The aggregation that a call is about, with the arguments after it.
    fn only_aggregation<'a>(
        &mut self,
        name: &str,
        args: &'a [ast::Expr],
        most: usize,
        span: Span,
    ) -> Option<(AggregationId, &'a [ast::Expr])> {
        let Some((first, rest)) = args.split_first().filter(|_| args.len() <= most) else {
            self.wrong_count(name, args.len(), 1, Some(most), span);
            return None;
        };
        Some((self.aggregation_argument(name, first)?, rest))
    }

    fn aggregation_argument(&mut self, name: &str, e: &ast::Expr) -> Option<AggregationId> {
        let (argument, unknown) = match name {
            "printa" => ("D_PRINTA_AGGARG", "D_PRINTA_AGGBAD"),
            "clear" => ("D_CLEAR_AGGARG", "D_CLEAR_AGGBAD"),
            "trunc" => ("D_TRUNC_AGGARG", "D_TRUNC_AGGBAD"),
            _ => ("D_NORMALIZE_AGGARG", "D_NORMALIZE_AGGBAD"),
        };
        let Syntax::Aggregation(a) = &e.kind else {
            let message = format!("`{name}()` needs an aggregation here");
            self.report(
                Diagnostic::error(argument, e.span, message).hint("write its name: `@name`"),
            );
            return None;
        };
        if !a.keys.is_empty() {
            let message = format!("`{name}()` takes an aggregation as a whole");
            self.report(
                Diagnostic::error(argument, e.span, message)
                    .hint(format!("write `@{}` without keys", a.name.name)),
            );
            return None;
        }
        if let Some(id) = self.aggregation_names.get(&a.name.name) {
            return Some(*id);
        }
        self.undefined_aggregation(unknown, a);
        None
    }

    fn printa(&mut self, args: &[ast::Expr], span: Span) -> Option<Action> {
        self.in_order(Kind::Record, span);
        let (format, rest) = match args {
            [] => {
                self.wrong_count("printa", 0, 1, None, span);
                return None;
            }
            [first, rest @ ..] if matches!(first.kind, Syntax::String(_)) => (Some(first), rest),
            all => (None, all),
        };
        let parsed = match format {
            Some(e) => Some(self.format("printa", e)?),
            None => None,
        };
        if rest.is_empty() {
            self.report(Diagnostic::error(
                "D_PRINTA_PROTO",
                span,
                "`printa()` needs an aggregation",
            ));
            return None;
        }
        let mut aggregations = Vec::new();
        for e in rest {
            aggregations.push(self.aggregation_argument("printa", e)?);
        }
        let keys = |c: &Self, id: AggregationId| c.aggregations[id.0 as usize].typed.keys.clone();
        let first = keys(self, aggregations[0]);
        for (id, e) in aggregations.iter().zip(rest).skip(1) {
            let other = keys(self, *id);
            // Integers of any size are brought to those of the first.
            let alike = |a, b| {
                let integers = self.types.is_integer(a) && self.types.is_integer(b);
                integers || self.types.same(a, b)
            };
            let differ = other.iter().zip(&first).any(|(a, b)| !alike(*a, *b));
            let code = match other.len() == first.len() {
                true if !differ => continue,
                true => "D_PRINTA_AGGPROTO",
                false => "D_PRINTA_AGGKEY",
            };
            let message = "aggregations that are printed together must have the same keys";
            let d = Diagnostic::error(code, e.span, message);
            self.report(d.label(rest[0].span, "the first one"));
            return None;
        }
        if let (Some(parsed), Some(e)) = (&parsed, format) {
            let values = first
                .iter()
                .map(|ty| Expr { kind: ExprKind::Int(0), ty: *ty, span: e.span })
                .collect();
            self.converted("printa", parsed, values, e.span, span, true)?;
        }
        Some(Action::Printa { format: parsed, aggregations })
    }

    fn normal(&mut self, e: &ast::Expr) -> Option<Expr> {
        let value = self.rvalue(e);
        if self.is_bad(value.ty) {
            return None;
        }
        if !self.types.is_integer(value.ty) {
            let found = self.describe(value.ty);
            let message = "`normalize()` divides by an integer";
            let d = Diagnostic::error("D_PROTO_ARG", e.span, message);
            self.report(d.here(format!("this is {found}")));
            return None;
        }
        if constant(&value) == Some(0) {
            self.report(Diagnostic::error(
                "D_NORMALIZE_SCALAR",
                e.span,
                "an aggregation can't be normalized by 0",
            ));
            return None;
        }
        Some(value)
    }

    // ------------------------------------------------------------ plain arguments

    /// So many arguments, all integers.
    pub(super) fn scalars(
        &mut self,
        name: &str,
        args: &[ast::Expr],
        count: usize,
        span: Span,
    ) -> Option<Vec<Expr>> {
        if args.len() != count {
            self.wrong_count(name, args.len(), count, Some(count), span);
            return None;
        }
        args.iter().enumerate().map(|(i, a)| self.integer_argument(name, i, a)).collect()
    }

    pub(super) fn integer_argument(&mut self, name: &str, i: usize, e: &ast::Expr) -> Option<Expr> {
        let value = self.rvalue(e);
        if self.is_bad(value.ty) {
            return None;
        }
        if !self.types.is_integer(value.ty) {
            self.wrong_argument("D_PROTO_ARG", name, i, "an integer", value.ty, e.span);
            return None;
        }
        Some(value)
    }

    fn speculative(&mut self, name: &str, args: &[ast::Expr], span: Span) -> Option<Action> {
        let [id] = self.scalars(name, args, 1, span)?.try_into().ok()?;
        let (kind, action) = match name {
            "speculate" => {
                if self.env.loops > 0 {
                    let message = "`speculate()` can't be in a loop: it changes the whole clause";
                    self.report(Diagnostic::error("D_SPEC_SPEC", span, message));
                    return None;
                }
                (Kind::Speculate, Action::Speculate(id))
            }
            "commit" => (Kind::Commit, Action::Commit(id)),
            _ => (Kind::Discard, Action::Discard(id)),
        };
        self.in_order(kind, span);
        Some(action)
    }
}
