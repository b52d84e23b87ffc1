//! Aggregations: `@a[keys] = f(…)`.
//!
//! In: the statement. Out: a typed one. The first use of an aggregation fixes its keys'
//! types, its function and that function's parameters; later uses must agree.

use super::order::Kind;
use super::value::constant;
use super::{Checker, KnownAggregation};
use crate::builtins;
use crate::manifest::AggregatingFunction;
use crate::names::nearest;
use crate::typed::{self, AggregationId, Expr, StatementKind};
use strand_grammar::ast::{self, Aggregation, BinaryOp, ExprKind as Syntax, Ident};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// A call of an aggregating function, checked.
struct Aggregated {
    name: &'static str,
    function: AggregatingFunction,
    value: Option<Expr>,
    increment: Option<Expr>,
}

impl Checker<'_> {
    /// An aggregation where a value is wanted.
    pub(super) fn aggregation_value(&mut self, a: &Aggregation, span: Span) -> Expr {
        for key in &a.keys {
            self.rvalue(key);
        }
        if !self.aggregation_names.contains_key(&a.name.name) {
            self.undefined_aggregation("D_IDENT_UNDEF", a);
            return self.bad(span);
        }
        let message = format!("`@{}` can't be read in an expression", a.name.name);
        let d = Diagnostic::error("D_OP_DYN", span, message)
            .here("an aggregation is only known as a whole, at the end")
            .hint("print it with `printa()`");
        self.without_value(self.basic.aggregation, span, d)
    }

    /// Reports an aggregation that nothing was put into yet.
    pub(super) fn undefined_aggregation(&mut self, code: &'static str, a: &Aggregation) {
        if self.aggregations_in_error.contains(&a.name.name) {
            return;
        }
        let message = format!("there is no aggregation `@{}`", a.name.name);
        let d = Diagnostic::error(code, a.name.span, message);
        let known = self.aggregation_names.keys().map(String::as_str);
        let d = match nearest(&a.name.name, known) {
            Some(near) => d.hint(format!("did you mean `@{near}`?")),
            None => d.here("nothing was aggregated into it before this"),
        };
        self.report(d);
    }

    pub(super) fn aggregation_dimensions(&mut self, a: &Aggregation, span: Span) {
        let message = format!("`@{}` has one list of keys", a.name.name);
        self.report(
            Diagnostic::error("D_AGG_MDIM", span, message)
                .hint(format!("separate keys by commas: `@{}[a, b]`", a.name.name)),
        );
    }

    /// An aggregation that is changed in any other way than by a statement `@a = f()`.
    pub(super) fn aggregation_in_expression(
        &mut self,
        a: &Aggregation,
        op: Option<BinaryOp>,
        span: Span,
    ) {
        let name = &a.name.name;
        let d = match op {
            Some(op) => {
                let sign = super::binary::text(op);
                let message = format!("`{sign}=` can't be applied to an aggregation");
                Diagnostic::error("D_OP_LVAL", span, message)
            }
            None => {
                Diagnostic::error("D_OP_LVAL", span, "an aggregation is no part of an expression")
            }
        };
        self.report(d.hint(format!("use a statement such as `@{name} = sum(…);`")));
    }

    // ------------------------------------------------------------------- statement

    /// `@a[keys] = value`
    pub(super) fn aggregate(
        &mut self,
        a: &Aggregation,
        value: &ast::Expr,
        span: Span,
    ) -> Option<StatementKind> {
        self.in_order(Kind::Aggregate, span);
        let aggregated = self.aggregating_call(a, value);
        let known = self.aggregation_names.get(&a.name.name).copied();
        let (id, keys) = match known {
            Some(id) => (id, self.known_keys(id, a, span)),
            None => {
                let (Some(types), Some(aggregated)) = (self.first_keys(a), &aggregated) else {
                    self.aggregations_in_error.insert(a.name.name.clone());
                    return None;
                };
                let id = self.define_aggregation(a, aggregated, types.clone());
                (id, self.known_keys(id, a, span))
            }
        };
        let aggregated = aggregated?;
        if !self.agrees(id, a, &aggregated, value.span) {
            return None;
        }
        Some(StatementKind::Aggregate {
            aggregation: id,
            keys: keys?,
            value: aggregated.value,
            increment: aggregated.increment,
        })
    }

    fn first_keys(&mut self, a: &Aggregation) -> Option<Vec<crate::types::TypeId>> {
        let shown = format!("@{}", a.name.name);
        let mut types = Vec::new();
        let mut fine = true;
        for (i, key) in a.keys.iter().enumerate() {
            let e = self.undecayed(key);
            match self.key_type(&e, i, "an aggregation's key") {
                Some(ty) if matches!(key.kind, Syntax::Cast(..)) => {
                    self.state_type(shown.clone(), Some(i));
                    types.push(ty);
                }
                Some(ty) => types.push(self.as_wide_as_needed(&shown, Some(i), ty)),
                None => fine = false,
            }
        }
        fine.then_some(types)
    }

    fn define_aggregation(
        &mut self,
        a: &Aggregation,
        aggregated: &Aggregated,
        keys: Vec<crate::types::TypeId>,
    ) -> AggregationId {
        let id = AggregationId(self.aggregations.len() as u32);
        self.aggregations.push(KnownAggregation {
            typed: typed::Aggregation {
                name: a.name.name.clone(),
                function: aggregated.function,
                keys,
                span: a.name.span,
            },
            function: aggregated.name,
        });
        self.aggregation_names.insert(a.name.name.clone(), id);
        id
    }

    fn known_keys(&mut self, id: AggregationId, a: &Aggregation, span: Span) -> Option<Vec<Expr>> {
        let known = &self.aggregations[id.0 as usize].typed;
        let (types, defined) = (known.keys.clone(), known.span);
        let at = match (a.keys.first(), a.keys.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => span,
        };
        let shown = format!("@{}", a.name.name);
        self.keys(&types, &a.keys, (&shown, defined), false, at)
    }

    /// The call on the right side of `@a = …`.
    fn aggregating_call(&mut self, a: &Aggregation, value: &ast::Expr) -> Option<Aggregated> {
        let name = &a.name.name;
        let (function, args) = match &value.kind {
            Syntax::Call { function, args } => (function, args.as_slice()),
            _ => {
                self.expr(value);
                self.report(
                    Diagnostic::error(
                        "D_AGG_FUNC",
                        value.span,
                        format!("`@{name}` has to be assigned an aggregating function"),
                    )
                    .hint(format!("for example `@{name} = sum(…);`")),
                );
                return None;
            }
        };
        let known = builtins::AGGREGATING.iter().copied().find(|f| *f == function.name);
        let Some(known) = known else {
            self.not_aggregating(name, function);
            return None;
        };
        self.aggregating_function(known, args, value.span)
    }

    fn not_aggregating(&mut self, name: &str, function: &Ident) {
        let exists = builtins::subroutine(&function.name).is_some()
            || builtins::ACTIONS.contains(&function.name.as_str());
        let d = if exists {
            Diagnostic::error(
                "D_AGG_FUNC",
                function.span,
                format!("`{}()` is not an aggregating function", function.name),
            )
            .here(format!("`@{name}` has to be assigned one"))
        } else {
            self.unknown_function(function)
        };
        let near = nearest(&function.name, builtins::AGGREGATING.iter().copied());
        self.report(match near {
            Some(near) => d.hint(format!("did you mean `{near}()`?")),
            None => d.note(format!("There are {}.", builtins::AGGREGATING.join(", "))),
        });
    }

    /// Whether a use agrees with the first one.
    fn agrees(
        &mut self,
        id: AggregationId,
        a: &Aggregation,
        aggregated: &Aggregated,
        span: Span,
    ) -> bool {
        let known = &self.aggregations[id.0 as usize];
        let (function, defined) = (known.typed.function, known.typed.span);
        if known.function != aggregated.name {
            let message = format!("`@{}` already has another function", a.name.name);
            let before = known.function;
            self.report(
                Diagnostic::error("D_AGG_REDEF", span, message)
                    .here(format!("`{}()` here", aggregated.name))
                    .label(defined, format!("`{before}()` before")),
            );
            return false;
        }
        let Some((code, what, was, is)) = difference(&function, &aggregated.function) else {
            return true;
        };
        let message = format!("the {what} of `@{}` is another one", a.name.name);
        self.report(
            Diagnostic::error(code, span, message)
                .here(format!("{is} here"))
                .label(defined, format!("{was} before")),
        );
        false
    }

    // ------------------------------------------------------------------- functions

    fn aggregating_function(
        &mut self,
        name: &'static str,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Aggregated> {
        let (least, most) = match name {
            "count" => (0, 0),
            "quantize" => (1, 2),
            "lquantize" => (3, 5),
            "llquantize" => (5, 6),
            _ => (1, 1),
        };
        let values: Vec<Expr> = args.iter().map(|a| self.rvalue(a)).collect();
        if !(least..=most).contains(&values.len()) {
            self.wrong_count(name, values.len(), least, Some(most), span);
            return None;
        }
        if values.iter().any(|e| self.is_bad(e.ty)) {
            return None;
        }
        let scalar = |e: &Expr, c: &Self| c.types.is_scalar(e.ty);
        if let Some(value) = values.first()
            && !scalar(value, self)
        {
            self.wrong_argument("D_AGG_SCALAR", name, 0, "an integer", value.ty, value.span);
            return None;
        }
        let increment_at = match name {
            "quantize" => Some(1),
            "lquantize" => Some(4),
            "llquantize" => Some(5),
            _ => None,
        };
        let increment = increment_at.and_then(|i| values.get(i).map(|e| (i, e.clone())));
        if let Some((i, e)) = &increment
            && !scalar(e, self)
        {
            self.wrong_argument("D_PROTO_ARG", name, *i, "an integer", e.ty, e.span);
            return None;
        }
        let signed = values.first().is_some_and(|e| self.types.is_signed(e.ty));
        let function = match name {
            "count" => AggregatingFunction::Count,
            "sum" => AggregatingFunction::Sum { signed },
            "avg" => AggregatingFunction::Avg { signed },
            "min" => AggregatingFunction::Min { signed },
            "max" => AggregatingFunction::Max { signed },
            "stddev" => AggregatingFunction::Stddev { signed },
            "quantize" => AggregatingFunction::Quantize,
            "lquantize" => self.lquantize(&values, span)?,
            _ => self.llquantize(&values, span)?,
        };
        let value = values.into_iter().next();
        Some(Aggregated { name, function, value, increment: increment.map(|(_, e)| e) })
    }

    /// An argument that has to be a constant in a range.
    fn parameter(
        &mut self,
        e: &Expr,
        what: &str,
        (type_code, value_code): (&'static str, &'static str),
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let Some(n) = constant(e).filter(|_| self.types.is_integer(e.ty)) else {
            let message = format!("{what} has to be an integer constant");
            let found = self.describe(e.ty);
            self.report(
                Diagnostic::error(type_code, e.span, message).here(format!("this is {found}")),
            );
            return None;
        };
        if !range.contains(&n) {
            let message = format!("{what} is out of range");
            let (low, high) = (range.start(), range.end());
            self.report(
                Diagnostic::error(value_code, e.span, message)
                    .here(format!("{n} is not in {low} to {high}")),
            );
            return None;
        }
        Some(n)
    }

    fn lquantize(&mut self, args: &[Expr], span: Span) -> Option<AggregatingFunction> {
        let bits32 = i64::from(i32::MIN)..=i64::from(i32::MAX);
        let codes = ("D_LQUANT_BASETYPE", "D_LQUANT_BASEVAL");
        let low = self.parameter(&args[1], "the lower bound", codes, bits32.clone());
        let codes = ("D_LQUANT_LIMTYPE", "D_LQUANT_LIMVAL");
        let high = self.parameter(&args[2], "the upper bound", codes, bits32);
        if let (Some(low), Some(high)) = (low, high)
            && high <= low
        {
            let message = format!("the upper bound {high} is not above {low}");
            self.report(Diagnostic::error("D_LQUANT_MISMATCH", span, message));
            return None;
        }
        let step = match args.get(3) {
            Some(e) if constant(e).is_some_and(|n| n <= 0) => {
                let message = "the step has to be above 0";
                self.report(Diagnostic::error("D_LQUANT_STEPTYPE", e.span, message));
                None
            }
            Some(e) => {
                let codes = ("D_LQUANT_STEPTYPE", "D_LQUANT_STEPVAL");
                self.parameter(e, "the step", codes, 1..=i64::from(u16::MAX))
            }
            None => Some(1),
        };
        let (low, high, step) = (low?, high?, step?);
        let problem = if (high - low) / step == 0 {
            let message = format!("a step of {step} leaves no level between {low} and {high}");
            Some(("D_LQUANT_STEPLARGE", message))
        } else if (high - low) / step > i64::from(u16::MAX) {
            let levels = (high - low) / step;
            Some((
                "D_LQUANT_STEPSMALL",
                format!("{levels} levels are too many; 65535 are possible"),
            ))
        } else {
            None
        };
        if let Some((code, message)) = problem {
            self.report(Diagnostic::error(code, span, message));
            return None;
        }
        let (low, high, step) = (low as i32, high as i32, step as u32);
        Some(AggregatingFunction::Lquantize { low, high, step })
    }

    fn llquantize(&mut self, args: &[Expr], span: Span) -> Option<AggregatingFunction> {
        let bits16 = 0..=i64::from(u16::MAX);
        let mut take =
            |i: usize, what: &str, codes, range| self.parameter(&args[i], what, codes, range);
        let codes = ("D_LLQUANT_FACTORTYPE", "D_LLQUANT_FACTORVAL");
        let factor = take(1, "the factor", codes, 2..=i64::from(u16::MAX));
        let codes = ("D_LLQUANT_LMAGTYPE", "D_LLQUANT_LMAGVAL");
        let low = take(2, "the low magnitude", codes, bits16.clone());
        let codes = ("D_LLQUANT_HMAGTYPE", "D_LLQUANT_HMAGVAL");
        let high = take(3, "the high magnitude", codes, bits16);
        let zero = constant(&args[4]).is_some_and(|n| n <= 0);
        let code = if zero { "D_LLQUANT_STEPTYPE" } else { "D_LLQUANT_STEPVAL" };
        let codes = ("D_LLQUANT_STEPTYPE", code);
        let steps = take(4, "the number of steps", codes, 1..=i64::from(u16::MAX));
        let (factor, low, high, steps) = (factor?, low?, high?, steps?);
        if let Some((code, i, message)) = llquantize_problem(factor, low, high, steps) {
            let at = args[i].span;
            self.report(Diagnostic::error(code, span, message).label(at, "this one"));
            return None;
        }
        Some(AggregatingFunction::Llquantize {
            factor: factor as u32,
            low: low as u32,
            high: high as u32,
            steps: steps as u32,
        })
    }
}

/// What is wrong with the parameters of `llquantize` together, and which of them.
fn llquantize_problem(
    factor: i64,
    low: i64,
    high: i64,
    steps: i64,
) -> Option<(&'static str, usize, String)> {
    let power = |n: i64| u32::try_from(n).ok().and_then(|n| (factor as u64).checked_pow(n));
    if high < low {
        let message = format!("the high magnitude {high} is below the low one, {low}");
        return Some(("D_LLQUANT_HMAGVAL", 3, message));
    }
    if power(high + 1).is_none() {
        let message = format!("{factor} to the power of {} doesn't fit 64 bits", high + 1);
        return Some(("D_LLQUANT_HMAGVAL", 3, message));
    }
    let (f, s) = (factor as u64, steps as u64);
    let message = if s < f && !f.is_multiple_of(s) {
        format!("{steps} steps don't divide the factor {factor} evenly")
    } else if s > f && !s.is_multiple_of(f) {
        format!("{steps} steps are no multiple of the factor {factor}")
    } else {
        let whole = if low == 0 { power(2) } else { power(low + 1) };
        match whole {
            Some(whole) if s > f && !whole.is_multiple_of(s) => {
                format!("{steps} steps don't divide {whole} evenly")
            }
            _ => return None,
        }
    };
    Some(("D_LLQUANT_STEPVAL", 4, message))
}

/// The first parameter in which two uses differ: tag, its name, before, now.
fn difference(
    before: &AggregatingFunction,
    now: &AggregatingFunction,
) -> Option<(&'static str, &'static str, i64, i64)> {
    use AggregatingFunction::{Llquantize, Lquantize};
    let pairs = match (before, now) {
        (Lquantize { low: a, high: b, step: c }, Lquantize { low: x, high: y, step: z }) => vec![
            ("D_LQUANT_MATCHBASE", "lower bound", i64::from(*a), i64::from(*x)),
            ("D_LQUANT_MATCHLIM", "upper bound", i64::from(*b), i64::from(*y)),
            ("D_LQUANT_MATCHSTEP", "step", i64::from(*c), i64::from(*z)),
        ],
        (
            Llquantize { factor: a, low: b, high: c, steps: d },
            Llquantize { factor: w, low: x, high: y, steps: z },
        ) => vec![
            ("D_LLQUANT_MATCHFACTOR", "factor", i64::from(*a), i64::from(*w)),
            ("D_LLQUANT_MATCHLMAG", "low magnitude", i64::from(*b), i64::from(*x)),
            ("D_LLQUANT_MATCHHMAG", "high magnitude", i64::from(*c), i64::from(*y)),
            ("D_LLQUANT_MATCHSTEPS", "number of steps", i64::from(*d), i64::from(*z)),
        ],
        _ => return None,
    };
    pairs.into_iter().find(|(_, _, before, now)| before != now)
}
