//! Calls that have a value: subroutines, parameterised inlines, `defined()`.
//!
//! In: a name and arguments. Out: a typed call with its arguments converted. Actions and
//! aggregating functions are refused here: they are statements.

use super::Checker;
use super::value::{Value, constant, int};
use crate::builtins::{self, Param, ParamKind, ResultType, Subroutine};
use crate::ir::FieldInfo;
use crate::names::{Inline, Symbol, nearest};
use crate::typed::{Expr, ExprKind, OfKernel, Shape, VariableId};
use crate::types::{Space, Type, TypeId};
use std::rc::Rc;
use strand_grammar::ast::{self, BinaryOp, ExprKind as Syntax, Ident, Scope, UnaryOp};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// The call that asks whether names, types and members exist on this kernel.
const DEFINED: &str = "defined";

/// "1 key", "3 keys"
pub(super) fn count(n: usize, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {what}{s}")
}

/// Whether a condition depends on what the kernel has; then the branch that isn't taken
/// is not looked at.
pub(super) fn asks_for_existence(e: &ast::Expr) -> bool {
    match &e.kind {
        Syntax::Call { function, .. } => function.name == DEFINED,
        Syntax::Unary(UnaryOp::Not, a) => asks_for_existence(a),
        Syntax::Binary(BinaryOp::LogAnd | BinaryOp::LogOr, a, b) => {
            asks_for_existence(a) || asks_for_existence(b)
        }
        _ => false,
    }
}

/// What only scratch memory will do for.
const SCRATCH: &str = "a pointer to what `alloca()` gave";

impl Checker<'_> {
    pub(super) fn call(&mut self, function: &Ident, args: &[ast::Expr], span: Span) -> Value {
        let name = function.name.as_str();
        if name == DEFINED {
            return Value::Plain(self.existence(args, span));
        }
        self.relies_on_builtin(name, function.span);
        if let Some(subroutine) = builtins::subroutine(name) {
            return Value::Plain(self.subroutine(subroutine, args, span));
        }
        if builtins::ACTIONS.contains(&name) {
            return Value::Plain(self.action_in_expression(function, args, span));
        }
        if builtins::WRITTEN.contains(&name) {
            return self.written(name, args, span);
        }
        self.uncallable(function, args, span)
    }

    /// An action where a value is wanted: its arguments are checked, and it has no value.
    fn action_in_expression(&mut self, function: &Ident, args: &[ast::Expr], span: Span) -> Expr {
        let order = self.env.order;
        let before = self.diagnostics.len();
        self.call_statement(function, args, span);
        // Its format may be wrong besides; that is nothing to hear of now.
        let mut rest = self.diagnostics.split_off(before);
        rest.retain(|d| !d.code.starts_with("D_PRINTF"));
        self.diagnostics.append(&mut rest);
        self.env.order = order;
        let message = format!("`{}()` has no value", function.name);
        let d = Diagnostic::error("D_CG_EXPR", span, message)
            .here("an action is a statement of its own");
        self.without_value(self.basic.void, span, d)
    }

    /// A call of what isn't a subroutine or action.
    pub(super) fn uncallable(&mut self, function: &Ident, args: &[ast::Expr], span: Span) -> Value {
        let name = function.name.as_str();
        if builtins::AGGREGATING.contains(&name) {
            let d = Diagnostic::error("D_CG_EXPR", span, format!("`{name}()` has no value"))
                .here("an aggregating function is assigned to an aggregation")
                .hint(format!("write `@name = {name}(…);` as a statement"));
            for arg in args {
                self.expr(arg);
            }
            return Value::Plain(self.without_value(self.basic.aggregation, span, d));
        }
        let d = self.unknown_function(function);
        self.report(d);
        for arg in args {
            self.attempt(|c| c.expr(arg));
        }
        self.bad_value(span)
    }

    /// What to say of a function that doesn't exist.
    pub(super) fn unknown_function(&mut self, function: &Ident) -> Diagnostic {
        let name = function.name.as_str();
        if let Some((_, why)) = builtins::IMPOSSIBLE.iter().find(|(n, _)| *n == name) {
            let message = format!("`{name}()` is not possible on Linux");
            return Diagnostic::error("D_UNKNOWN", function.span, message).here(*why);
        }
        match self.names.global(name) {
            Some(Symbol::Inline(inline)) if inline.params.is_some() => {
                let message = format!("`{name}` is an inline, not a function");
                return Diagnostic::error("D_FUNC_IDKIND", function.span, message)
                    .hint(format!("an inline's arguments go into brackets: `{name}[…]`"));
            }
            Some(symbol) => {
                let message = format!("`{name}` is a {}, not a function", symbol.kind());
                return Diagnostic::error("D_FUNC_IDKIND", function.span, message);
            }
            None if self.is_builtin(name) => {
                let message = format!("`{name}` is a built-in variable, not a function");
                return Diagnostic::error("D_FUNC_IDKIND", function.span, message)
                    .hint(format!("write `{name}` without parentheses"));
            }
            None => {}
        }
        let d = Diagnostic::error(
            "D_FUNC_UNDEF",
            function.span,
            format!("there is no function `{name}()`"),
        );
        let known = builtins::subroutines()
            .map(|s| s.name)
            // What the library keeps to itself.
            .filter(|name| !name.starts_with('_'))
            .chain(builtins::ACTIONS.iter().copied())
            .chain(builtins::WRITTEN.iter().copied())
            .chain(builtins::AGGREGATING.iter().copied());
        match nearest(name, known) {
            Some(near) => d.hint(format!("did you mean `{near}()`?")),
            None => d,
        }
    }

    /// `defined(e)`: whether everything that `e` names exists on this kernel.
    fn existence(&mut self, args: &[ast::Expr], span: Span) -> Expr {
        self.extension(span, "`defined()`");
        let [arg] = args else {
            let message = format!("`defined()` takes 1 argument, not {}", args.len());
            self.report(Diagnostic::error("D_PROTO_LEN", span, message));
            return self.bad(span);
        };
        let (value, fine) = self.attempt(|c| c.expr(arg));
        if let Value::Plain(Expr { kind: ExprKind::OfKernel(known), .. }) = &value
            && known.info == FieldInfo::EnumValue
        {
            let asked = OfKernel { info: FieldInfo::Exists, ..(**known).clone() };
            let kind = ExprKind::OfKernel(Rc::new(asked));
            return Expr { kind, ty: self.basic.int, span: self.at(span) };
        }
        let exists = fine && !self.is_bad(value.ty());
        int(i64::from(exists), self.basic.int, span)
    }

    // ----------------------------------------------------------------- subroutines

    pub(super) fn subroutine(
        &mut self,
        subroutine: &'static Subroutine,
        args: &[ast::Expr],
        span: Span,
    ) -> Expr {
        if matches!(subroutine.name, "copyout" | "copyoutstr") {
            self.destructive(subroutine.name, span);
        }
        let values: Vec<Expr> = args.iter().map(|a| self.undecayed(a)).collect();
        let written = subroutine.params.iter().filter(|p| !matches!(p.kind, ParamKind::Kept(_)));
        let least = written.clone().filter(|p| !p.optional).count();
        let most = written.count();
        if !(least..=most).contains(&values.len()) {
            self.wrong_count(subroutine.name, values.len(), least, Some(most), span);
            return self.bad(span);
        }
        let mut converted = Vec::new();
        let mut fine = true;
        for (i, (value, param)) in values.into_iter().zip(subroutine.params).enumerate() {
            match self.argument_for(subroutine, i, param, value) {
                Some(e) => converted.push(e),
                None => fine = false,
            }
        }
        if !fine || converted.iter().any(|e| self.is_bad(e.ty)) {
            return self.bad(span);
        }
        if let Some(Param { kind: ParamKind::Kept(ty), .. }) = subroutine.params.last() {
            converted.push(self.kept(subroutine, ty, span));
        }
        let Some(ty) = self.result_type(subroutine, &converted) else { return self.bad(span) };
        Expr { kind: ExprKind::Call(subroutine, converted), ty, span: self.at(span) }
    }

    /// The variable in which a subroutine keeps something; no program can name it.
    fn kept(&mut self, subroutine: &Subroutine, ty: &str, span: Span) -> Expr {
        let name = format!("({})", subroutine.name);
        let ty = self.type_text(ty).unwrap_or(self.basic.bad);
        let known = self.variables.iter().position(|v| v.name == name);
        let id = match known {
            Some(i) => VariableId(i as u32),
            None => self.new_variable(Scope::Thread, &name, ty, Shape::Scalar, span),
        };
        Expr { kind: ExprKind::Variable(id), ty, span: self.at(span) }
    }

    /// Reports a wrong number of arguments.
    pub(super) fn wrong_count(
        &mut self,
        name: &str,
        found: usize,
        least: usize,
        most: Option<usize>,
        span: Span,
    ) {
        let wanted = match most {
            Some(most) if most == least => count(least, "argument"),
            Some(most) => format!("{least} to {}", count(most, "argument")),
            None => format!("at least {}", count(least, "argument")),
        };
        let message = format!("`{name}()` takes {wanted}, not {found}");
        self.report(Diagnostic::error("D_PROTO_LEN", span, message));
    }

    fn argument_for(
        &mut self,
        subroutine: &Subroutine,
        i: usize,
        param: &Param,
        value: Expr,
    ) -> Option<Expr> {
        if self.is_bad(value.ty) {
            return Some(value);
        }
        let (at, found) = (value.span, value.ty);
        let wanted_type;
        let (converted, wanted) = match param.kind {
            ParamKind::Integer(ty) => {
                let ty = self.type_text(ty).unwrap_or(self.basic.long);
                let ok = self.types.is_integer(found);
                (ok.then(|| self.cast(value, ty)), "an integer")
            }
            ParamKind::String => (self.coerce(value, self.basic.string), "text"),
            ParamKind::Source => {
                let text = self.types.is_string(found);
                let value = if text { value } else { self.decay(value) };
                let ok = text || self.types.pointee(value.ty).is_some();
                (ok.then_some(value), "a pointer or a string")
            }
            ParamKind::Scratch => {
                let value = self.decay(value);
                let ok = self.types.space(value.ty) == Space::Scratch;
                (ok.then_some(value), SCRATCH)
            }
            ParamKind::Size => {
                let ok = self.types.is_integer(found);
                let value = ok.then(|| self.cast(value, self.basic.size));
                let n = value.as_ref().and_then(constant).map_or(0, |n| n as u64);
                if subroutine.allocates && n > u64::from(self.options.scratchsize) {
                    self.too_much_scratch(subroutine.name, n, at);
                    return None;
                }
                (value, "a number of bytes")
            }
            ParamKind::Address => {
                let value = self.decay(value);
                let value = match self.types.is_integer(value.ty) {
                    true => self.cast(value, self.basic.uintptr),
                    false => value,
                };
                (self.types.is_scalar(value.ty).then_some(value), "a pointer or an address")
            }
            ParamKind::To(text) => {
                let value = self.decay(value);
                let ok = match self.type_text(text) {
                    // Converted or not: whose memory it points to stays known.
                    Some(ty) => self.coerce(value.clone(), ty).is_some(),
                    None => self.types.is_scalar(value.ty),
                };
                wanted_type = format!("`{text}`");
                (ok.then_some(value), wanted_type.as_str())
            }
            ParamKind::Constant => {
                let ok = self.types.is_integer(found) && constant(&value).is_some();
                (ok.then_some(value), "an integer constant")
            }
            // Not an argument.
            ParamKind::Kept(_) => (None, "nothing"),
            ParamKind::Count => {
                let n = constant(&value).filter(|_| self.types.is_integer(found));
                let ok = n.is_some_and(|n| n > 0 && n <= i64::from(u32::MAX));
                (ok.then_some(value), "an integer constant above 0")
            }
        };
        if converted.is_none() {
            let code = match (subroutine.name, i, param.kind) {
                _ if !self.types.is_integer(found) => "D_PROTO_ARG",
                ("stack", _, ParamKind::Count) => "D_STACK_SIZE",
                ("ustack", 0, ParamKind::Count) => "D_USTACK_FRAMES",
                ("ustack", _, ParamKind::Count) => "D_USTACK_STRSIZE",
                _ => "D_PROTO_ARG",
            };
            self.wrong_argument(code, subroutine.name, i, wanted, found, at);
        }
        converted
    }

    fn too_much_scratch(&mut self, name: &str, n: u64, at: Span) {
        let most = self.options.scratchsize;
        let message = format!("{name}({n}) size larger than scratchsize {most}");
        self.report(
            Diagnostic::error("D_ALLOCA_SIZE", at, message)
                .here("a clause can't allocate so much")
                .hint(format!("set `#pragma D option scratchsize={}`", n.min(1 << 20))),
        );
    }

    /// Reports an argument of a wrong type.
    pub(super) fn wrong_argument(
        &mut self,
        code: &'static str,
        name: &str,
        i: usize,
        wanted: &str,
        found: TypeId,
        at: Span,
    ) {
        let found_text = self.describe(found);
        let message = format!("argument {} of `{name}()` must be {wanted}", i + 1);
        let (prototype, argument) = match self.types.pointee(found) {
            Some(_) if wanted == SCRATCH => ("alloca pointer", "non-alloca pointer".to_owned()),
            _ => (wanted, found_text.clone()),
        };
        let d = Diagnostic::error(code, at, message).here(format!("this is {found_text}")).classic(
            format!(
                "{name}( ) argument #{} is incompatible with prototype:\n\tprototype: \
                 {prototype}\n\t argument: {argument}",
                i + 1
            ),
        );
        let text_wanted = wanted == "text" && self.types.is_scalar(found);
        self.report(if text_wanted {
            d.hint("use `stringof(…)` for the text at an address")
        } else {
            d
        });
    }

    fn result_type(&mut self, subroutine: &Subroutine, args: &[Expr]) -> Option<TypeId> {
        Some(match subroutine.result {
            ResultType::D(text) => self.type_text(text)?,
            ResultType::Scratch => self.pointer_to(self.basic.void, Space::Scratch),
            ResultType::Stack { user } => {
                let asked = args.first().and_then(constant);
                let default =
                    if user { self.options.ustackframes } else { self.options.stackframes };
                let frames = asked.map_or(default, |n| n as u32).min(self.options.maxframes);
                let ty = if user { Type::UserStack(frames) } else { Type::Stack(frames) };
                self.types.intern(ty)
            }
            ResultType::Symbol { kind, user } => {
                let ty = if user { Type::UserSymbol(kind) } else { Type::Symbol(kind) };
                self.types.intern(ty)
            }
        })
    }

    // --------------------------------------------------------------------- inlines

    /// A subroutine that the library writes in D.
    fn written(&mut self, name: &str, args: &[ast::Expr], span: Span) -> Value {
        let inline = format!("_{name}");
        self.load_library(&inline);
        let Some(Symbol::Inline(inline)) = self.names.global(&inline).cloned() else {
            return self.bad_value(span);
        };
        self.inline_of((&inline, &format!("{name}()")), args, span)
    }

    /// `f[a, b]`: the parameters are evaluated once, before the body.
    pub(super) fn inline_call(
        &mut self,
        inline: &Rc<Inline>,
        args: &[ast::Expr],
        span: Span,
    ) -> Value {
        self.inline_of((inline, &format!("{}[]", inline.name)), args, span)
    }

    /// Shows where an inline was defined, unless that is how a subroutine is made.
    fn with_definition(&self, d: Diagnostic, inline: &Inline) -> Diagnostic {
        match self.in_library(inline.span) {
            true => d,
            false => d.label(inline.span, "defined here"),
        }
    }

    /// An inline with arguments, and how its use is written.
    fn inline_of(
        &mut self,
        (inline, shown): (&Rc<Inline>, &str),
        args: &[ast::Expr],
        span: Span,
    ) -> Value {
        let params = inline.params.as_deref().unwrap_or(&[]);
        let values: Vec<Value> = args.iter().map(|a| self.expr(a)).collect();
        if values.len() != params.len() {
            let wanted = count(params.len(), "argument");
            let message = format!("`{shown}` takes {wanted}, not {}", values.len());
            let d = Diagnostic::error("D_PROTO_LEN", span, message);
            self.report(self.with_definition(d, inline));
            return self.bad_value(span);
        }
        let mut lets = Vec::new();
        let mut bound = Vec::new();
        for (i, (value, (name, ty))) in values.into_iter().zip(params).enumerate() {
            let (at, found) = (value.span(), value.ty());
            let value = match value {
                Value::Translated(t) if self.types.same(t.ty, *ty) => Some(Value::Translated(t)),
                Value::Translated(_) => None,
                Value::Plain(e) => self.coerce(e, *ty).map(|e| self.bind_argument(e, &mut lets)),
            };
            let Some(value) = value else {
                let wanted = self.describe(*ty);
                let message = format!("argument {} of `{shown}` must be {wanted}", i + 1);
                let found = self.describe(found);
                let d =
                    Diagnostic::error("D_PROTO_ARG", at, message).here(format!("this is {found}"));
                self.report(self.with_definition(d, inline));
                return self.bad_value(span);
            };
            bound.push((name.clone(), value));
        }
        match self.expand(inline, bound, span) {
            Value::Plain(e) => Value::Plain(self.with_lets(lets, e)),
            Value::Translated(mut t) => {
                lets.append(&mut t.lets);
                Value::Translated(super::value::Translated { lets, ..t })
            }
        }
    }
}
