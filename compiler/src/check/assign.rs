//! Assignments and increments.
//!
//! In: a target and a value. Out: typed assignments, and variables that come into being
//! by their first assignment, with the type of what is assigned.

use super::value::{Value, constant, int};
use super::{Basic, Checker};
use crate::builtins;
use crate::names::{Symbol, written};
use crate::typed::{Expr, ExprKind, PlaceBase, Shape, Target, VariableId};
use crate::types::{Space, Type, TypeId};
use strand_grammar::ast::{self, BinaryOp, ExprKind as Syntax, Ident, Scope};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// A target that is not defined yet.
struct Fresh<'a> {
    scope: Scope,
    name: &'a Ident,
    keys: Option<&'a [ast::Expr]>,
}

impl Checker<'_> {
    /// The name that would be defined by an assignment to this, if it isn't yet.
    fn fresh<'a>(&self, target: &'a ast::Expr) -> Option<Fresh<'a>> {
        let (name, keys) = match &target.kind {
            Syntax::Index(base, keys) => (base.as_ref(), Some(keys.as_slice())),
            _ => (target, None),
        };
        let Syntax::Name(scope, name) = &name.kind else { return None };
        let known = match scope {
            Scope::Global => {
                self.names.global(&name.name).is_some()
                    || self.is_builtin(&name.name)
                    || self.env.bindings.iter().any(|(n, _)| *n == name.name)
            }
            scope => self.names.variable(*scope, &name.name).is_some(),
        };
        (!known).then_some(Fresh { scope: *scope, name, keys })
    }

    /// Defines a variable that is assigned a value of this type.
    fn define(&mut self, fresh: &Fresh, ty: TypeId, value: Span, span: Span) -> bool {
        let shown = written(fresh.scope, &fresh.name.name);
        if fresh.scope == Scope::Global && self.is_own(&fresh.name.name) {
            let message = format!("`{shown}` is a function, not a variable");
            self.report(
                Diagnostic::error("D_IDENT_BADREF", fresh.name.span, message)
                    .here("what D has a function for can't be a variable's name"),
            );
            return false;
        }
        let shape = match fresh.keys {
            None => Shape::Scalar,
            Some(_) if fresh.scope == Scope::Clause => {
                self.report(
                    Diagnostic::error(
                        "D_ARR_LOCAL",
                        span,
                        format!("`{shown}` can't be an associative array"),
                    )
                    .here("clause-local variables hold one value each")
                    .hint("use a global or `self` array"),
                );
                return false;
            }
            Some(keys) => match self.new_keys(&shown, keys) {
                Some(keys) => Shape::Associative(keys),
                None => return false,
            },
        };
        let array = self.types.array(ty).is_some() && !self.is_bad(ty);
        if array {
            let found = self.describe(ty);
            let d = Diagnostic::error("D_OP_ARRFUN", value, "an array can't be assigned")
                .here(format!("this is {found}"));
            self.report(if self.types.is_text(ty) {
                d.hint("use `stringof(…)` to assign the text in it")
            } else {
                d.hint("assign its elements, or declare a pointer and assign `&a[0]`")
            });
            return false;
        }
        if !self.is_bad(ty) && !self.storable(ty, &shown, value) {
            return false;
        }
        let ty = self.as_wide_as_needed(&shown, None, ty);
        let id = self.new_variable(fresh.scope, &fresh.name.name, ty, shape, fresh.name.span);
        self.undeclared.insert(id);
        true
    }

    /// The type of a new variable, or of one of its keys, by the type of what comes first.
    pub(super) fn as_wide_as_needed(
        &mut self,
        shown: &str,
        key: Option<usize>,
        ty: TypeId,
    ) -> TypeId {
        let bytes = self.widths.get(&(shown.to_owned(), key));
        let Some(bytes) = bytes.filter(|_| self.types.is_integer(ty)) else { return ty };
        let Basic { int, unsigned_int, int64, unsigned_long, .. } = self.basic;
        match (bytes, self.types.is_signed(ty)) {
            (8, true) => int64,
            (8, false) => unsigned_long,
            (_, true) => int,
            (_, false) => unsigned_int,
        }
    }

    /// Takes note of a type that is there to stay: a cast says which is meant.
    pub(super) fn state_type(&mut self, shown: String, key: Option<usize>) {
        self.stated.insert((shown, key));
    }

    /// Takes note of a value that is wider than what it goes into: a variable, or one of its keys.
    fn note_width(&mut self, shown: &str, key: Option<usize>, ty: TypeId, value: TypeId) {
        let integers = self.types.is_integer(ty) && self.types.is_integer(value);
        let (Some(room), Some(bytes)) = (self.types.size(ty), self.types.size(value)) else {
            return;
        };
        let name = (shown.to_owned(), key);
        if integers && bytes > room && !self.stated.contains(&name) {
            let known = self.wider.entry(name).or_default();
            *known = bytes.max(*known);
        }
    }

    /// The same of a value that is assigned or added, if the variable has no declaration.
    fn note_width_of(&mut self, target: &Target, ty: TypeId, value: TypeId) {
        let (Target::Variable(id) | Target::Element(id, _)) = target else { return };
        if self.undeclared.contains(id) {
            let v = &self.variables[id.0 as usize];
            self.note_width(&written(v.scope, &v.name), None, ty, value);
        }
    }

    /// The key types that a first use of a tuple fixes.
    fn new_keys(&mut self, shown: &str, keys: &[ast::Expr]) -> Option<Vec<TypeId>> {
        let mut types = Vec::new();
        for (i, key) in keys.iter().enumerate() {
            let e = self.undecayed(key);
            let ty = self.key_type(&e, i, "an array's key")?;
            if matches!(key.kind, Syntax::Cast(..)) {
                self.state_type(shown.to_owned(), Some(i));
            }
            types.push(self.as_wide_as_needed(shown, Some(i), ty));
        }
        Some(types)
    }

    /// The type that a value has as part of a tuple: char arrays are text.
    pub(super) fn key_type(&mut self, e: &Expr, i: usize, what: &str) -> Option<TypeId> {
        if self.is_bad(e.ty) {
            return Some(e.ty);
        }
        if self.types.array(e.ty).is_some() {
            return Some(match self.types.is_text(e.ty) {
                true => self.basic.string,
                false => self.decay(e.clone()).ty,
            });
        }
        let known = match self.types.as_record(e.ty) {
            Some(record) => self.complete(record).is_some(),
            None => self.types.size(e.ty).is_some(),
        };
        if !known || matches!(self.types.resolved(e.ty), Type::Float { .. }) {
            let found = self.describe(e.ty);
            let message = format!("key {} can't be {what}", i + 1);
            self.report(
                Diagnostic::error("D_KEY_TYPE", e.span, message).here(format!("this is {found}")),
            );
            return None;
        }
        Some(e.ty)
    }

    // ------------------------------------------------------------------ assignment

    pub(super) fn assign(
        &mut self,
        op: Option<BinaryOp>,
        target: &ast::Expr,
        value: &ast::Expr,
        span: Span,
    ) -> Expr {
        if let Syntax::Aggregation(a) = &target.kind {
            self.aggregation_in_expression(a, op, span);
            return self.bad(span);
        }
        if let Syntax::Index(base, _) = &target.kind
            && let Syntax::Aggregation(a) = &base.kind
        {
            self.aggregation_dimensions(a, span);
            return self.bad(span);
        }
        let value_span = value.span;
        let cast = matches!(value.kind, Syntax::Cast(..));
        let (value, stability) = self.measured(|c| c.expr(value));
        let mut value = match value {
            // A struct that is made by translation can't be stored whole.
            Value::Translated(t) => self.plain(Value::Translated(t)),
            Value::Plain(e) => e,
        };
        if self.is_dynamic(value.ty) || self.is_action(&value) {
            self.assigned_nothing(op, target, &value, span);
            return self.bad(span);
        }
        if let Some(fresh) = self.fresh(target) {
            if cast {
                self.state_type(written(fresh.scope, &fresh.name.name), None);
            }
            let ty = match op {
                None if matches!(self.types.resolved(value.ty), Type::Function { .. }) => {
                    value = self.rvalue_of(value);
                    value.ty
                }
                // As DTrace has it, NULL alone is the number 0.
                None if self.is_null(&value) => self.basic.long,
                None => value.ty,
                Some(_) => self.basic.int64,
            };
            if !self.define(&fresh, ty, value_span, span) {
                return self.bad(span);
            }
        }
        let Some((target, ty)) = self.target(target, span) else { return self.bad(span) };
        if let Target::Variable(id) | Target::Element(id, _) = &target {
            self.assigned_stability(*id, stability);
        }
        if self.is_bad(ty) || self.is_bad(value.ty) {
            return self.bad(span);
        }
        match op {
            None => self.plain_assignment(target, ty, value, span),
            Some(op) => self.compound_assignment(op, target, ty, value, span),
        }
    }

    /// Reports the assignment of something that has no value.
    fn assigned_nothing(
        &mut self,
        op: Option<BinaryOp>,
        target: &ast::Expr,
        value: &Expr,
        span: Span,
    ) {
        if op.is_some()
            && let Some(fresh) = self.fresh(target)
        {
            let shown = written(fresh.scope, &fresh.name.name);
            let message = format!("`{shown}` is not defined");
            self.report(
                Diagnostic::error("D_VAR_UNDEF", fresh.name.span, message)
                    .here("nothing was assigned to it before this"),
            );
        }
        let (found, why) = match self.is_action(value) {
            true => ("an action".to_owned(), "an action is a statement of its own"),
            false => (self.describe(value.ty), "this has no value"),
        };
        let code = match op {
            None | Some(BinaryOp::Add | BinaryOp::Sub) => "D_OP_INCOMPAT",
            Some(BinaryOp::Mul | BinaryOp::Div) => "D_OP_ARITH",
            Some(_) => "D_OP_INT",
        };
        self.report(
            Diagnostic::error(code, span, format!("{found} can't be assigned"))
                .label(value.span, why),
        );
    }

    fn rvalue_of(&mut self, e: Expr) -> Expr {
        let span = e.span;
        self.address(Value::Plain(e), span)
    }

    fn plain_assignment(&mut self, target: Target, ty: TypeId, value: Expr, span: Span) -> Expr {
        let zero = matches!(value.kind, ExprKind::Int(0)) && self.types.is_scalar(value.ty);
        let deletes = zero && self.frees(&target);
        let found = value.ty;
        if self.types.array(ty).is_some() && !deletes {
            let what = self.describe(ty);
            self.report(
                Diagnostic::error("D_OP_ARRFUN", span, "an array can't be assigned as a whole")
                    .here(format!("the target is {what}"))
                    .hint("assign its elements one by one"),
            );
            return self.bad(span);
        }
        self.note_width_of(&target, ty, value.ty);
        let at = value.span;
        let Some(ty) = self.keeps_to_its_memory(&target, ty, &value, span) else {
            return self.bad(span);
        };
        let value = match self.coerce(value, ty) {
            Some(value) => value,
            None if deletes => int(0, ty, at),
            None => return self.cannot_assign(ty, found, at, span),
        };
        let kind = ExprKind::Assign { target, op: None, value: Box::new(value), deletes };
        Expr { kind, ty, span }
    }

    /// A variable that holds a pointer into scratch memory holds nothing else but NULL, so
    /// that every access through it is known to need its check. The first such pointer
    /// makes it one; gives the type that the variable has then.
    fn keeps_to_its_memory(
        &mut self,
        target: &Target,
        ty: TypeId,
        value: &Expr,
        span: Span,
    ) -> Option<TypeId> {
        let (Target::Variable(id) | Target::Element(id, _)) = target else { return Some(ty) };
        let Some(pointee) = self.types.pointee(ty) else { return Some(ty) };
        if constant(value) == Some(0) {
            return Some(ty);
        }
        let variable = id.0 as usize;
        let scratch = self.types.space(value.ty) == Space::Scratch;
        if scratch == (self.types.space(ty) == Space::Scratch) {
            self.holds_kernel[variable] |= !scratch;
            return Some(ty);
        }
        if scratch && !self.holds_kernel[variable] {
            let ty = self.pointer_to(pointee, Space::Scratch);
            self.variables[variable].ty = ty;
            return Some(ty);
        }
        let v = &self.variables[variable];
        let (shown, defined) = (written(v.scope, &v.name), v.span);
        let message = format!(
            "`{shown}` can't hold pointers both to what `alloca()` gave and to other memory"
        );
        self.report(
            Diagnostic::error("D_ALLOCA_INCOMPAT", span, message)
                .label(
                    value.span,
                    match scratch {
                        true => "this points to memory of the clause",
                        false => "this points elsewhere",
                    },
                )
                .label(defined, "the variable")
                .hint("use another variable"),
        );
        None
    }

    /// Whether assigning 0 frees the target: elements and thread-locals.
    fn frees(&self, target: &Target) -> bool {
        match target {
            Target::Element(..) => true,
            Target::Variable(id) => self.variables[id.0 as usize].scope == Scope::Thread,
            Target::Part(_) => false,
        }
    }

    fn cannot_assign(&mut self, to: TypeId, from: TypeId, value: Span, span: Span) -> Expr {
        let (wanted, found) = (self.describe(to), self.describe(from));
        let mut d = Diagnostic::error(
            "D_OP_INCOMPAT",
            span,
            format!("{} can't be assigned to {wanted}", self.a_value(from)),
        )
        .label(value, format!("this is {found}"));
        let types = &self.types;
        if types.is_string(to) && types.is_scalar(from) {
            d = d.hint("use `stringof(…)` for the text at an address");
        } else if types.pointee(to).is_some() && types.is_integer(from) {
            d = d.hint("cast it to the pointer's type");
        } else if types.is_integer(to) && types.pointee(from).is_some() {
            d = d.hint("cast it to `uintptr_t`");
        } else if types.pointee(to).is_some()
            && types.pointee(from).is_some()
            && types.is_userland(to) != types.is_userland(from)
        {
            d = d.note("One of them points into user space, the other into the kernel.");
        }
        self.report(d);
        self.bad(span)
    }

    fn compound_assignment(
        &mut self,
        op: BinaryOp,
        target: Target,
        ty: TypeId,
        value: Expr,
        span: Span,
    ) -> Expr {
        let value = self.decay(value);
        let zero = matches!(op, BinaryOp::Div | BinaryOp::Rem) && constant(&value) == Some(0);
        let value = if self.types.is_integer(ty) && self.types.is_integer(value.ty) {
            if zero {
                let d = Diagnostic::error("D_DIV_ZERO", span, "division by zero");
                self.report(d.label(value.span, "this is 0"));
                return self.bad(span);
            }
            self.note_width_of(&target, ty, value.ty);
            self.cast(value, ty)
        } else if self.types.pointee(ty).is_some()
            && matches!(op, BinaryOp::Add | BinaryOp::Sub)
            && self.types.is_integer(value.ty)
        {
            match self.scaled(ty, value, span) {
                Some(value) => value,
                None => return self.bad(span),
            }
        } else {
            let sign = super::binary::text(op);
            let (x, y) = (self.describe(ty), self.describe(value.ty));
            let code = match op {
                BinaryOp::Add | BinaryOp::Sub
                    if self.types.is_integer(ty) && self.types.pointee(value.ty).is_some() =>
                {
                    "D_OP_VFPTR"
                }
                BinaryOp::Add | BinaryOp::Sub => "D_OP_INCOMPAT",
                BinaryOp::Mul | BinaryOp::Div => "D_OP_ARITH",
                _ => "D_OP_INT",
            };
            let d = Diagnostic::error(code, span, format!("`{sign}=` can't be applied here"))
                .here(format!("the target is {x}, the value {y}"));
            let strings = self.types.is_string(ty) && op == BinaryOp::Add;
            self.report(if strings { d.hint("use `x = strjoin(x, y)`") } else { d });
            return self.bad(span);
        };
        let op = Some((op, self.types.is_signed(ty)));
        let kind = ExprKind::Assign { target, op, value: Box::new(value), deletes: false };
        Expr { kind, ty, span }
    }

    /// So many of what a pointer points to, in bytes.
    fn scaled(&mut self, pointer: TypeId, n: Expr, span: Span) -> Option<Expr> {
        let zero = int(0, pointer, span);
        let sum = self.move_pointer("D_OP_VFPTR", zero, n, false, span)?;
        match sum.kind {
            ExprKind::Binary { b, .. } => Some(*b),
            _ => Some(int(0, self.basic.int64, span)),
        }
    }

    pub(super) fn increment(
        &mut self,
        up: bool,
        prefix: bool,
        target: &ast::Expr,
        span: Span,
    ) -> Expr {
        if let Syntax::Aggregation(a) = &target.kind {
            self.aggregation_in_expression(a, None, span);
            return self.bad(span);
        }
        if let Some(fresh) = self.fresh(target)
            && !self.define(&fresh, self.basic.int64, target.span, span)
        {
            return self.bad(span);
        }
        let Some((target, ty)) = self.target(target, span) else { return self.bad(span) };
        if self.is_bad(ty) {
            return self.bad(span);
        }
        let by = match self.types.pointee(ty) {
            _ if self.types.is_integer(ty) => 1,
            Some(_) => {
                let one = int(1, self.basic.int64, span);
                match self.scaled(ty, one, span).as_ref().and_then(constant) {
                    Some(n) => n,
                    None => return self.bad(span),
                }
            }
            None => {
                let sign = if up { "++" } else { "--" };
                let found = self.describe(ty);
                self.report(
                    Diagnostic::error(
                        "D_OP_SCALAR",
                        span,
                        format!("`{sign}` needs an integer or pointer"),
                    )
                    .here(format!("this is {found}")),
                );
                return self.bad(span);
            }
        };
        let by = if up { by } else { -by };
        Expr { kind: ExprKind::Increment { target, by, prefix }, ty, span }
    }

    // --------------------------------------------------------------------- targets

    /// What is assigned to, with its type; reports what can't be.
    fn target(&mut self, syntax: &ast::Expr, span: Span) -> Option<(Target, TypeId)> {
        if let Syntax::Name(Scope::Global, name) = &syntax.kind {
            if builtins::variable(&name.name).is_some() || self.is_builtin(&name.name) {
                self.read_only(&name.name, name.span, "a built-in variable");
                return None;
            }
            if let Some(symbol @ (Symbol::Inline(_) | Symbol::Enumerator(..))) =
                self.names.global(&name.name)
            {
                let kind = symbol.kind();
                let message = format!("`{}` is an {kind}, not a variable", name.name);
                self.report(
                    Diagnostic::error("D_OP_LVAL", name.span, message)
                        .here("it can't be assigned to"),
                );
                return None;
            }
        }
        if let Syntax::Index(base, _) = &syntax.kind
            && let Syntax::Name(Scope::Global, name) = &base.kind
            && name.name == "args"
        {
            self.read_only("args", name.span, "a built-in array");
            return None;
        }
        let value = self.expr(syntax);
        let e = self.plain(value);
        let ty = e.ty;
        if self.is_bad(ty) {
            return None;
        }
        match e.kind {
            ExprKind::Variable(id) => Some((Target::Variable(id), ty)),
            ExprKind::Element(id, keys) => Some((Target::Element(id, keys), ty)),
            ExprKind::Read(place) => match &place.base {
                PlaceBase::Variable(_) | PlaceBase::Element(..) => Some((Target::Part(place), ty)),
                PlaceBase::Memory { space, .. } => {
                    let whose = match space {
                        Space::Scratch => return Some((Target::Part(place), ty)),
                        Space::Kernel => "the kernel's memory",
                        Space::User => "a process's memory",
                    };
                    self.unwritable.insert(span);
                    self.report(
                        Diagnostic::error("D_OP_WRITE", span, format!("{whose} can't be written"))
                            .label(
                                syntax.span,
                                "only D's variables and what `alloca()` gives can be assigned to",
                            ),
                    );
                    None
                }
            },
            _ => {
                self.report(
                    Diagnostic::error("D_OP_LVAL", syntax.span, "this can't be assigned to")
                        .here("it is a value, not a variable"),
                );
                None
            }
        }
    }

    fn read_only(&mut self, name: &str, span: Span, what: &str) {
        self.report(
            Diagnostic::error("D_OP_WRITE", span, format!("`{name}` can't be assigned to"))
                .here(format!("{what} is read-only"))
                .hint("use a variable of your own"),
        );
    }

    // -------------------------------------------------------------------- elements

    /// `name[keys]`, where the name has a meaning of its own for that; `None`: index its
    /// value.
    pub(super) fn index_name(
        &mut self,
        scope: Scope,
        name: &Ident,
        keys: &[ast::Expr],
        span: Span,
    ) -> Option<Value> {
        if scope == Scope::Global {
            if self.env.bindings.iter().any(|(n, _)| *n == name.name) {
                return None;
            }
            if name.name == "args" && self.names.global("args").is_none() {
                return Some(self.typed_argument(keys, span));
            }
            if name.name == "uregs" && self.names.global("uregs").is_none() {
                return Some(self.user_register(keys, span));
            }
            if self.names.global(&name.name).is_none() && !self.is_builtin(&name.name) {
                self.load_library(&name.name);
            }
            if let Some(Symbol::Inline(inline)) = self.names.global(&name.name).cloned()
                && inline.params.is_some()
            {
                return Some(self.inline_call(&inline, keys, span));
            }
        }
        let Some(id) = self.names.variable(scope, &name.name) else {
            if scope == Scope::Global
                && (self.names.global(&name.name).is_some() || self.is_builtin(&name.name))
            {
                return None;
            }
            for key in keys {
                self.rvalue(key);
            }
            return Some(self.undefined_variable(scope, name));
        };
        let Shape::Associative(types) = self.variables[id.0 as usize].shape.clone() else {
            return None;
        };
        Some(self.associative(id, &types, name, keys, span))
    }

    fn associative(
        &mut self,
        id: VariableId,
        types: &[TypeId],
        name: &Ident,
        keys: &[ast::Expr],
        span: Span,
    ) -> Value {
        let v = &self.variables[id.0 as usize];
        let (ty, defined) = (v.ty, v.span);
        let shown = written(v.scope, &name.name);
        let declared = !self.undeclared.contains(&id);
        match self.keys(types, keys, (&shown, defined), declared, span) {
            Some(keys) => {
                let span = self.at(span);
                Value::Plain(Expr { kind: ExprKind::Element(id, keys), ty, span })
            }
            None => self.bad_value(span),
        }
    }

    /// A tuple converted to the types that its declaration or its first use fixed.
    pub(super) fn keys(
        &mut self,
        types: &[TypeId],
        keys: &[ast::Expr],
        (shown, defined): (&str, Span),
        declared: bool,
        span: Span,
    ) -> Option<Vec<Expr>> {
        let values: Vec<Expr> = keys.iter().map(|k| self.undecayed(k)).collect();
        if values.len() != types.len() {
            let message = format!(
                "`{shown}` has {}, not {}",
                super::call::count(types.len(), "key"),
                values.len()
            );
            let listed: Vec<String> = types.iter().map(|t| self.text(*t)).collect();
            self.report(
                Diagnostic::error("D_PROTO_LEN", span, message)
                    .label(defined, format!("its keys are ({})", listed.join(", "))),
            );
            return None;
        }
        let mut converted = Vec::new();
        for (i, (value, ty)) in values.into_iter().zip(types).enumerate() {
            let (at, found) = (value.span, value.ty);
            if !declared {
                self.note_width(shown, Some(i), *ty, found);
            }
            match self.coerce(value, *ty) {
                Some(e) => converted.push(e),
                None => {
                    let (wanted, found) = (self.describe(*ty), self.describe(found));
                    let message = format!("key {} of `{shown}` is of another type", i + 1);
                    self.report(
                        Diagnostic::error("D_PROTO_ARG", at, message)
                            .here(format!("this is {found}"))
                            .label(defined, format!("here it is {wanted}")),
                    );
                    return None;
                }
            }
        }
        Some(converted)
    }
}
