//! Names in expressions.
//!
//! In: an identifier in one of its scopes. Out: its value. A plain
//! name is looked for among parameters, the script's own names, built-ins, the standard
//! library and the kernel's enumerators, in this order.

use super::Checker;
use super::args::number_of;
use super::value::{Value, constant, int, is_simple};
use crate::builtins;
use crate::ir::FieldInfo;
use crate::names::{Inline, Symbol, nearest, written};
use crate::typed::{Expr, ExprKind, OfKernel, Shape, VariableId};
use crate::types::{Type, TypeId};
use std::rc::Rc;
use strand_grammar::ast;
use strand_grammar::ast::{ExprKind as Syntax, Ident, Scope};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// Inlines and translators within each other beyond this are a mistake.
const MAX_EXPANSION: usize = 64;

impl Checker<'_> {
    /// The value of a name.
    pub(super) fn name(&mut self, scope: Scope, name: &Ident) -> Value {
        if scope != Scope::Global {
            return match self.names.variable(scope, &name.name) {
                Some(id) => self.variable(id, name),
                None => self.undefined_variable(scope, name),
            };
        }
        if name.name.starts_with('$') {
            return self.late_macro(name);
        }
        if let Some((_, bound)) = self.env.bindings.iter().find(|(n, _)| *n == name.name) {
            return bound.clone();
        }
        if let Some(symbol) = self.names.global(&name.name).cloned() {
            return self.symbol_value(&symbol, name);
        }
        if let Some(value) = self.builtin(name) {
            return value;
        }
        if self.load_library(&name.name)
            && let Some(symbol) = self.names.global(&name.name).cloned()
        {
            return self.symbol_value(&symbol, name);
        }
        let known = self.kernel_types.enumerator(self.kernel, &mut self.types, &name.name);
        if let Some((value, ty)) = known {
            return Value::Plain(self.kernel_constant(&name.name, value, ty, name.span));
        }
        self.undefined_variable(scope, name)
    }

    fn symbol_value(&mut self, symbol: &Symbol, name: &Ident) -> Value {
        match symbol {
            Symbol::Variable(id) => self.variable(*id, name),
            Symbol::Enumerator(value, ty) => Value::Plain(int(*value, *ty, self.at(name.span))),
            Symbol::Inline(inline) if inline.params.is_some() => {
                let message = format!("`{}` needs its arguments", name.name);
                self.report(
                    Diagnostic::error("D_IDENT_BADREF", name.span, message)
                        .hint(format!("write `{}[…]`", name.name))
                        .label(inline.span, "defined with parameters"),
                );
                self.bad_value(name.span)
            }
            Symbol::Inline(inline) => {
                self.relying_on(&name.name, name.span, |c| c.expand(inline, Vec::new(), name.span))
            }
        }
    }

    fn variable(&mut self, id: VariableId, name: &Ident) -> Value {
        self.relies_on_variable(id, &name.name, name.span);
        let v = &self.variables[id.0 as usize];
        let span = self.at(name.span);
        let (ty, scope) = (v.ty, v.scope);
        if let Shape::Associative(keys) = &v.shape {
            let shown = written(scope, &name.name);
            let keys = keys.len();
            self.report(
                Diagnostic::error(
                    "D_IDENT_BADREF",
                    name.span,
                    format!("`{shown}` is an associative array"),
                )
                .here(format!("it needs {}", super::call::count(keys, "key")))
                .label(self.variables[id.0 as usize].span, "defined here"),
            );
            return self.bad_value(span);
        }
        Value::Plain(Expr { kind: ExprKind::Variable(id), ty, span })
    }

    /// A macro that has its value when the program runs: text, an argument of 64 bits, or
    /// the number of a process or user.
    fn late_macro(&mut self, name: &Ident) -> Value {
        let text = match name.name.as_bytes() {
            [b'$', b'$', ..] => "string",
            [b'$', b'0'..=b'9', ..] => "int64_t",
            _ => "int",
        };
        match self.type_text(text) {
            Some(ty) => {
                let kind = ExprKind::Macro(name.name.as_str().into());
                Value::Plain(Expr { kind, ty, span: self.at(name.span) })
            }
            None => self.bad_value(name.span),
        }
    }

    fn builtin(&mut self, name: &Ident) -> Option<Value> {
        let span = self.at(name.span);
        if let Some(n) = number_of(&name.name) {
            return Some(self.raw_argument(n, span));
        }
        match name.name.as_str() {
            "NULL" => return Some(Value::Plain(int(0, self.basic.void_pointer, span))),
            "args" | "uregs" => {
                let (message, hint) = match name.name.as_str() {
                    "args" => ("`args` needs an index", "write `args[0]` for the first argument"),
                    _ => ("`uregs` needs an index", "write `uregs[R_PC]` for the program counter"),
                };
                self.report(Diagnostic::error("D_IDENT_BADREF", name.span, message).hint(hint));
                return Some(self.bad_value(span));
            }
            _ => {}
        }
        let variable = builtins::variable(&name.name)?;
        self.relies_on_builtin(variable.name, name.span);
        let Some(ty) = self.type_text(variable.ty) else {
            self.report(
                Diagnostic::error(
                    "D_TYPE_ERR",
                    name.span,
                    format!("`{}` can't be used on this kernel", name.name),
                )
                .here(format!("its type `{}` isn't known", variable.ty)),
            );
            return Some(self.bad_value(span));
        };
        Some(Value::Plain(Expr { kind: ExprKind::Builtin(variable), ty, span }))
    }

    /// Reports a name that means nothing, and suggests what was meant.
    pub(super) fn undefined_variable(&mut self, scope: Scope, name: &Ident) -> Value {
        let shown = written(scope, &name.name);
        let code = if scope == Scope::Global { "D_IDENT_UNDEF" } else { "D_VAR_UNDEF" };
        let mut d = Diagnostic::error(code, name.span, format!("`{shown}` is not defined"))
            .classic(match scope {
                Scope::Global => format!("failed to resolve {shown}: Unknown variable name"),
                _ => format!("{} has not yet been declared or assigned", name.name),
            });
        let mut names: Vec<String> = self.names.all(scope).into_iter().map(str::to_owned).collect();
        if scope == Scope::Global {
            names.extend(builtins::variables().map(|v| v.name.to_owned()));
            names.extend(self.library.names().map(str::to_owned));
            names.extend(["args", "uregs", "NULL"].map(str::to_owned));
            // What the library keeps to itself.
            names.retain(|name| !name.starts_with('_'));
        }
        let is_function = scope == Scope::Global
            && (builtins::subroutine(&name.name).is_some()
                || builtins::WRITTEN.contains(&name.name.as_str())
                || builtins::ACTIONS.contains(&name.name.as_str()));
        let elsewhere = [Scope::Global, Scope::Thread, Scope::Clause]
            .into_iter()
            .filter(|s| *s != scope)
            .find(|s| self.names.variable(*s, &name.name).is_some());
        if is_function {
            d = d.here("this is a function").hint(format!("call it: `{}(…)`", name.name));
        } else if let Some(other) = elsewhere {
            d = d.hint(format!("did you mean `{}`?", written(other, &name.name)));
        } else if let Some(near) = nearest(&name.name, names.iter().map(String::as_str)) {
            d = d.hint(format!("did you mean `{}`?", written(scope, near)));
        } else {
            d = d
                .here("nothing was assigned to it before this")
                .hint("a variable is made by its first assignment or by a declaration");
        }
        self.report(d);
        self.bad_value(name.span)
    }

    // ------------------------------------------------------------------- inlines

    /// An inline with its parameters bound to these values.
    pub(super) fn expand(
        &mut self,
        inline: &Rc<Inline>,
        args: Vec<(String, Value)>,
        used: Span,
    ) -> Value {
        if let Syntax::Integer(value, _) = inline.value.kind
            && self.types.is_integer(inline.ty)
        {
            let value = self.types.wrap(inline.ty, value as i64);
            return Value::Plain(int(value, inline.ty, self.at(used)));
        }
        let outer = std::mem::replace(&mut self.env.bindings, args);
        let value = self.expansion(inline.span, used, |c| c.inline_value(inline));
        self.env.bindings = outer;
        value.unwrap_or_else(|| self.bad_value(used))
    }

    /// Does something on behalf of a use at `used` of a definition; `None` if that is
    /// already going on, or too deep.
    pub(crate) fn expansion<T>(
        &mut self,
        definition: Span,
        used: Span,
        f: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        if self.env.expanding.contains(&definition) || self.env.expanding.len() > MAX_EXPANSION {
            self.report(
                Diagnostic::error("D_IDENT_UNDEF", used, "this definition refers to itself")
                    .label(definition, "this one"),
            );
            return None;
        }
        self.env.expanding.push(definition);
        let outermost = self.env.used_at.is_none();
        if outermost {
            self.env.used_at = Some(used);
        }
        let result = f(self);
        if outermost {
            self.env.used_at = None;
        }
        self.env.expanding.pop();
        Some(result)
    }

    /// What an inline stands for, with its parameters already bound.
    pub(super) fn inline_value(&mut self, inline: &Inline) -> Value {
        let value = self.expr(&inline.value);
        match value {
            Value::Translated(t) => {
                if !self.is_bad(inline.ty) && !self.types.same(t.ty, inline.ty) {
                    self.inline_mismatch(inline, t.ty);
                    return self.bad_value(t.span);
                }
                Value::Translated(t)
            }
            Value::Plain(e) => {
                let ty = e.ty;
                let e = if self.types.array(ty).is_some() {
                    self.decay_unless_text(e, inline.ty)
                } else {
                    e
                };
                match self.coerce(e, inline.ty) {
                    Some(e) => Value::Plain(e),
                    None => {
                        self.inline_mismatch(inline, ty);
                        self.bad_value(inline.value.span)
                    }
                }
            }
        }
    }

    /// A char array stays one where a string is wanted: its length is its limit.
    fn decay_unless_text(&mut self, e: Expr, wanted: TypeId) -> Expr {
        if self.types.is_string(wanted) { e } else { self.decay(e) }
    }

    fn inline_mismatch(&mut self, inline: &Inline, found: TypeId) {
        let message = format!("inline `{}` is given a value of another type", inline.name);
        let found = self.describe(found);
        let wanted = self.text(inline.ty);
        self.report(
            Diagnostic::error("D_OP_INCOMPAT", inline.value.span, message)
                .here(format!("this is {found}"))
                .note(format!("The inline is declared as `{wanted}`.")),
        );
    }

    /// An argument as a parameter of this type, evaluated once.
    pub(crate) fn bind_argument(
        &mut self,
        e: Expr,
        lets: &mut Vec<(crate::typed::LocalId, Expr)>,
    ) -> Value {
        if is_simple(&e) || self.types.as_record(e.ty).is_some() || constant(&e).is_some() {
            return Value::Plain(e);
        }
        let local = self.local();
        let bound = Expr { kind: ExprKind::Local(local), ty: e.ty, span: e.span };
        lets.push((local, e));
        Value::Plain(bound)
    }

    /// For `a == NAME`: the constant NAME of `a`'s own enum, if it has one.
    pub(super) fn enumerator_of(&mut self, ty: TypeId, other: &ast::Expr) -> Option<Value> {
        let Type::Enum(id) = self.types.resolved(ty) else { return None };
        let Syntax::Name(Scope::Global, name) = &other.kind else { return None };
        let items = &self.types.enumeration(*id).items;
        let value = items.iter().find(|(n, _)| *n == name.name)?.1;
        if let Some(symbol) = self.names.global(&name.name)
            && !matches!(symbol, Symbol::Enumerator(..))
        {
            let kind = symbol.kind();
            let message = format!("`{}` could mean two things here", name.name);
            let of = self.text(ty);
            self.report(
                Diagnostic::error("D_IDENT_AMBIG", name.span, message)
                    .here(format!("a constant of `{of}` and a {kind} of the script"))
                    .hint(format!("rename the {kind}")),
            );
        }
        Some(Value::Plain(self.kernel_constant(&name.name, value, ty, name.span)))
    }

    /// A constant of an enum, which is asked for when the program is loaded if it is the
    /// kernel's, and the program for several kernels.
    fn kernel_constant(&mut self, name: &str, value: i64, ty: TypeId, span: Span) -> Expr {
        let span = self.at(span);
        let found = match self.types.resolved(ty) {
            Type::Enum(id) if self.options.portable => {
                let known = self.types.enumeration(*id);
                let index = known.items.iter().position(|(n, _)| n == name);
                known.btf.clone().zip(index).zip(i32::try_from(value).ok()).map(
                    |(((module, id), index), value)| {
                        let name = format!("enum {}.{name}", known.tag.as_deref().unwrap_or(""));
                        let (path, info) = (vec![index as u32], FieldInfo::EnumValue);
                        OfKernel { module, root: id, path, name, info, value }
                    },
                )
            }
            _ => None,
        };
        match found {
            Some(e) => Expr { kind: ExprKind::OfKernel(Rc::new(e)), ty, span },
            None => int(value, ty, span),
        }
    }
}
