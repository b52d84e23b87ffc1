//! What an expression can be while it is checked.
//!
//! In: results of checking. Out: [`Value`]: mostly a typed expression, sometimes
//! something that only exists at compile time. Here too are the small constructors of
//! typed expressions.
//!
//! Some things that can be written as an expression have no value: a call of an action, an
//! aggregation, a translated struct. What is wrong with using them depends on the place
//! that wants a value, and each place says that itself, as for any other wrong type. Where
//! no place complained (`(void)trace(1)`), the statement does: see [`Checker::settled`].

use super::Checker;
use crate::translator::Translator;
use crate::typed::{Expr, ExprKind, LocalId, Place, PlaceBase};
use crate::types::{Space, TypeId};
use std::rc::Rc;
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// The value of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// One that exists when the clause runs.
    Plain(Expr),
    /// A translated struct (or a pointer to one): its members are expressions.
    Translated(Translated),
}

/// What `xlate` makes.
#[derive(Clone, Debug)]
pub(crate) struct Translated {
    /// The translator.
    pub by: Rc<Translator>,
    /// What its parameter is.
    pub input: Box<Value>,
    /// Temporaries that `input` refers to, outermost first.
    pub lets: Vec<(LocalId, Expr)>,
    /// Made by `xlate <T *>`: members are reached by `->`.
    pub pointer: bool,
    /// The type as a whole.
    pub ty: TypeId,
    /// Where.
    pub span: Span,
}

impl Value {
    /// Its type.
    pub fn ty(&self) -> TypeId {
        match self {
            Value::Plain(e) => e.ty,
            Value::Translated(t) => t.ty,
        }
    }

    /// Where it was written.
    pub fn span(&self) -> Span {
        match self {
            Value::Plain(e) => e.span,
            Value::Translated(t) => t.span,
        }
    }
}

/// An integer constant.
pub(crate) fn int(value: i64, ty: TypeId, span: Span) -> Expr {
    Expr { kind: ExprKind::Int(value), ty, span }
}

/// The value if the expression is an integer constant.
pub(crate) fn constant(e: &Expr) -> Option<i64> {
    match e.kind {
        ExprKind::Int(n) => Some(n),
        _ => None,
    }
}

/// What stands for a value that there isn't: nothing binds it.
const NOTHING: ExprKind = ExprKind::Local(LocalId(0));

/// Where the memory of a place is.
pub(crate) fn space(place: &Place) -> Space {
    match &place.base {
        PlaceBase::Memory { space, .. } => *space,
        PlaceBase::Variable(_) | PlaceBase::Element(..) => Space::Kernel,
    }
}

/// Applies `f` to what an expression comes down to, inside the temporaries around it.
pub(crate) fn within_lets(e: Expr, f: impl FnOnce(Expr) -> Expr) -> Expr {
    match e.kind {
        ExprKind::Let { local, value, body } => {
            let body = within_lets(*body, f);
            let ty = body.ty;
            Expr { kind: ExprKind::Let { local, value, body: Box::new(body) }, ty, span: e.span }
        }
        _ => f(e),
    }
}

/// Puts temporaries around an expression, the last innermost.
pub(crate) fn wrap_lets(lets: Vec<(LocalId, Expr)>, body: Expr) -> Expr {
    lets.into_iter().rev().fold(body, |body, (local, value)| Expr {
        ty: body.ty,
        span: body.span,
        kind: ExprKind::Let { local, value: Box::new(value), body: Box::new(body) },
    })
}

/// The place that an expression is the value of, if it is one's.
pub(crate) fn place_of(e: &Expr) -> Option<Place> {
    let of = |base| Place { base, base_ty: e.ty, steps: Vec::new(), ty: e.ty, span: e.span };
    match &e.kind {
        ExprKind::Read(place) => Some((**place).clone()),
        ExprKind::Variable(id) => Some(of(PlaceBase::Variable(*id))),
        ExprKind::Element(id, keys) => Some(of(PlaceBase::Element(*id, keys.clone()))),
        _ => None,
    }
}

/// Whether evaluating it twice costs and changes nothing.
pub(crate) fn is_simple(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Int(_)
        | ExprKind::RawArg(_)
        | ExprKind::Local(_)
        | ExprKind::Builtin(_)
        | ExprKind::Macro(_)
        | ExprKind::OfKernel(_)
        | ExprKind::Variable(_)
        | ExprKind::String(_) => true,
        ExprKind::Cast(a) => is_simple(a),
        _ => false,
    }
}

impl Checker<'_> {
    /// What stands for an expression that is wrong.
    pub fn bad(&self, span: Span) -> Expr {
        int(0, self.basic.bad, span)
    }

    pub fn bad_value(&self, span: Span) -> Value {
        Value::Plain(self.bad(span))
    }

    /// What has no value, of type void or of a dynamic type; `misuse` is what to say if
    /// nobody else finds fault with it.
    pub fn without_value(&mut self, ty: TypeId, span: Span, misuse: Diagnostic) -> Expr {
        self.valueless.push(misuse);
        Expr { kind: NOTHING, ty, span }
    }

    /// NULL as it was written: a pointer that can stand for the integer 0 as well.
    pub fn is_null(&self, e: &Expr) -> bool {
        constant(e) == Some(0) && e.ty == self.basic.void_pointer
    }

    /// Whether this is an aggregation or a translated struct.
    pub fn is_dynamic(&self, ty: TypeId) -> bool {
        ty == self.basic.aggregation || ty == self.basic.translated
    }

    /// Whether this is a call of an action.
    pub fn is_action(&self, e: &Expr) -> bool {
        matches!(e.kind, ExprKind::Local(LocalId(0))) && e.ty == self.basic.void
    }

    /// Checks something as a whole: what it uses without there being a value is an error,
    /// if there was none.
    pub fn settled<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::take(&mut self.valueless);
        let errors = self.errors;
        let result = f(self);
        let valueless = std::mem::replace(&mut self.valueless, outer);
        if self.errors == errors {
            for misuse in valueless {
                self.report(misuse);
            }
        }
        result
    }

    /// A value that has to exist at run time.
    pub fn plain(&mut self, value: Value) -> Expr {
        match value {
            Value::Plain(e) => e,
            Value::Translated(t) => {
                let what = self.text(t.ty);
                let message = format!("a translated `{what}` can only be looked into");
                let d = Diagnostic::error("D_OP_DYN", t.span, message)
                    .here("this has no value of its own")
                    .hint("use one of its members");
                self.without_value(self.basic.translated, t.span, d)
            }
        }
    }
}
