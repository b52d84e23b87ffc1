//! Visits every statement, expression and variable of typed clauses, outer ones first.
//!
//! In: a clause or a piece of one. Out: calls of a function with each [`Node`]. Decides
//! nothing; it exists so that questions asked of a whole program name only the nodes
//! that they are about.

use super::{
    Action, Clause, Expr, ExprKind, Place, PlaceBase, Statement, StatementKind, Step, Target,
    VariableId,
};

/// A statement, an expression or a mention of a variable.
#[derive(Debug, Clone, Copy)]
pub enum Node<'a> {
    /// A statement.
    Statement(&'a Statement),
    /// An expression.
    Expr(&'a Expr),
    /// A variable that is read, written or part of a place, with or without a key.
    Variable(VariableId),
}

/// Everything in a clause.
pub fn clause<'a>(clause: &'a Clause, f: &mut dyn FnMut(Node<'a>)) {
    if let Some(p) = &clause.predicate {
        expr(p, f);
    }
    statements(&clause.body, f);
}

/// Everything in these statements.
pub fn statements<'a>(all: &'a [Statement], f: &mut dyn FnMut(Node<'a>)) {
    for s in all {
        statement(s, f);
    }
}

/// Everything in a statement.
pub fn statement<'a>(s: &'a Statement, f: &mut dyn FnMut(Node<'a>)) {
    f(Node::Statement(s));
    match &s.kind {
        StatementKind::Expr(e) => expr(e, f),
        StatementKind::If { condition, then, otherwise } => {
            expr(condition, f);
            statements(then, f);
            statements(otherwise, f);
        }
        StatementKind::Loop { condition, step, body } => {
            for e in condition.iter().chain(step) {
                expr(e, f);
            }
            statements(body, f);
        }
        StatementKind::Break | StatementKind::Continue => {}
        StatementKind::Aggregate { keys, value, increment, .. } => {
            for e in keys.iter().chain(value).chain(increment) {
                expr(e, f);
            }
        }
        StatementKind::Action(a) => action(a, f),
    }
}

fn action<'a>(a: &'a Action, f: &mut dyn FnMut(Node<'a>)) {
    match a {
        Action::Printf { args, .. }
        | Action::System { args, .. }
        | Action::Freopen { args, .. } => args.iter().for_each(|e| expr(e, f)),
        Action::Tracemem { bytes: a, used: b } | Action::Setopt(a, b) => {
            expr(a, f);
            b.iter().for_each(|e| expr(e, f));
        }
        Action::Pcap { skb, length, data, protocol, .. } => {
            for e in [skb, length, data, protocol] {
                expr(e, f);
            }
        }
        Action::Trace(e)
        | Action::Print { value: e, .. }
        | Action::Raise(e)
        | Action::Chill(e)
        | Action::Return(e)
        | Action::Show(e)
        | Action::Trunc(_, Some(e))
        | Action::Normalize(_, e)
        | Action::Exit(e)
        | Action::Speculate(e)
        | Action::Commit(e)
        | Action::Discard(e) => expr(e, f),
        Action::Printa { .. }
        | Action::Ftruncate
        | Action::Clear(_)
        | Action::Trunc(_, None)
        | Action::Denormalize(_) => {}
    }
}

/// Everything in an expression.
pub fn expr<'a>(e: &'a Expr, f: &mut dyn FnMut(Node<'a>)) {
    f(Node::Expr(e));
    match &e.kind {
        ExprKind::Int(_)
        | ExprKind::String(_)
        | ExprKind::Builtin(_)
        | ExprKind::Macro(_)
        | ExprKind::OfKernel(_)
        | ExprKind::RawArg(_)
        | ExprKind::Local(_) => {}
        ExprKind::Variable(v) => f(Node::Variable(*v)),
        ExprKind::Element(v, keys) => element(*v, keys, f),
        ExprKind::Read(p) | ExprKind::AddressOf(p) => place(p, f),
        ExprKind::Unary(_, a) | ExprKind::Not(a) | ExprKind::Cast(a) => expr(a, f),
        ExprKind::StringAt { address, .. } => expr(address, f),
        ExprKind::Binary { a, b, .. }
        | ExprKind::CompareStrings(_, a, b)
        | ExprKind::Logical(_, a, b)
        | ExprKind::Comma(a, b)
        | ExprKind::Let { value: a, body: b, .. } => {
            expr(a, f);
            expr(b, f);
        }
        ExprKind::Conditional(c, a, b) => {
            expr(c, f);
            expr(a, f);
            expr(b, f);
        }
        ExprKind::Assign { target: t, value, .. } => {
            target(t, f);
            expr(value, f);
        }
        ExprKind::Increment { target: t, .. } => target(t, f),
        ExprKind::Call(_, args) => args.iter().for_each(|e| expr(e, f)),
    }
}

fn element<'a>(variable: VariableId, keys: &'a [Expr], f: &mut dyn FnMut(Node<'a>)) {
    f(Node::Variable(variable));
    keys.iter().for_each(|e| expr(e, f));
}

fn target<'a>(t: &'a Target, f: &mut dyn FnMut(Node<'a>)) {
    match t {
        Target::Variable(v) => f(Node::Variable(*v)),
        Target::Element(v, keys) => element(*v, keys, f),
        Target::Part(p) => place(p, f),
    }
}

fn place<'a>(p: &'a Place, f: &mut dyn FnMut(Node<'a>)) {
    match &p.base {
        PlaceBase::Memory { address, .. } => expr(address, f),
        PlaceBase::Variable(v) => f(Node::Variable(*v)),
        PlaceBase::Element(v, keys) => element(*v, keys, f),
    }
    for step in &p.steps {
        if let Step::Index { index, .. } = step {
            expr(index, f);
        }
    }
}
