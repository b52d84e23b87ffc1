//! Clauses and statements.
//!
//! In: a clause in a context. Out: a typed clause.

use super::order::Kind;
use super::value::{Value, constant};
use super::{Checker, Context, Env};
use crate::enabling::Dependence;
use crate::names::Symbol;
use crate::typed::{Clause, Expr, ExprKind, Statement, StatementKind};
use strand_grammar::ast::{
    self, BinaryOp, Block, ExprKind as Syntax, Scope, StatementKind as Written,
};
use strand_grammar::diagnostic::Diagnostic;

impl Checker<'_> {
    /// A clause for probes of this context (`None`: it has none that are known), and
    /// what it depends on.
    pub(crate) fn clause(
        &mut self,
        index: u32,
        clause: &ast::Clause,
        context: Option<Context>,
    ) -> (Clause, Dependence) {
        let env = Env { context, in_clause: true, ..Env::default() };
        let outer = std::mem::replace(&mut self.env, env);
        // As DTrace has it: a predicate may use what only the body defines, unless it is
        // the predicate that defines things.
        let predicate = clause.predicate.as_ref();
        let early = predicate.filter(|p| assigns(p)).map(|p| self.predicate(p));
        let body = match &clause.body {
            Some(block) => self.block(block),
            None => Vec::new(),
        };
        let predicate = early.or_else(|| predicate.map(|p| self.predicate(p)));
        let predicate = self.with_site_condition(predicate);
        let empty = clause.body.as_ref().is_none_or(|b| b.statements.is_empty());
        let env = std::mem::replace(&mut self.env, outer);
        self.clause_relies(index as usize, env.stability);
        (Clause { index, predicate, body, default_action: empty }, env.dependence)
    }

    /// The predicate, looked at only if the event is one that fires the probe.
    fn with_site_condition(&mut self, predicate: Option<Expr>) -> Option<Expr> {
        let Some(when) = self.site_condition() else { return predicate };
        let Some(predicate) = predicate else { return Some(when) };
        let span = predicate.span;
        let kind = ExprKind::Logical(BinaryOp::LogAnd, Box::new(when), Box::new(predicate));
        Some(Expr { kind, ty: self.basic.int, span })
    }

    fn predicate(&mut self, e: &ast::Expr) -> Expr {
        self.settled(|c| c.condition(e, "D_PRED_SCALAR", "a predicate"))
    }

    fn block(&mut self, block: &Block) -> Vec<Statement> {
        let mut out = Vec::new();
        for s in &block.statements {
            self.statement(s, &mut out);
        }
        out
    }

    fn statement(&mut self, s: &ast::Statement, out: &mut Vec<Statement>) {
        self.settled(|c| c.statement_of(s, out));
    }

    fn statement_of(&mut self, s: &ast::Statement, out: &mut Vec<Statement>) {
        let kind = match &s.kind {
            Written::Expr(e) => match self.expression_statement(e) {
                Some(kind) => kind,
                None => return,
            },
            Written::Block(block) => {
                self.extension(s.span, "a block among statements");
                return out.extend(self.block(block));
            }
            Written::If { condition, then, otherwise } => {
                self.extension(s.span, "`if`");
                return self.if_statement(s, condition, then, otherwise.as_ref(), out);
            }
            Written::While { condition, body } => {
                self.extension(s.span, "`while`");
                let condition = self.condition(condition, "D_OP_SCALAR", "a loop's condition");
                self.loop_statement(Some(condition), None, body)
            }
            Written::For { init, condition, step, body } => {
                self.extension(s.span, "`for`");
                if let Some(init) = init
                    && let Some(kind) = self.expression_statement(init)
                {
                    out.push(Statement { kind, span: init.span });
                }
                let condition = condition
                    .as_ref()
                    .map(|c| self.condition(c, "D_OP_SCALAR", "a loop's condition"));
                self.loop_statement(condition, step.as_ref(), body)
            }
            Written::Break | Written::Continue => {
                let (word, kind) = match s.kind {
                    Written::Break => ("break", StatementKind::Break),
                    _ => ("continue", StatementKind::Continue),
                };
                if self.env.loops == 0 {
                    let message = format!("`{word}` is only possible in a loop");
                    self.report(Diagnostic::error("D_SYNTAX", s.span, message));
                    return;
                }
                kind
            }
        };
        out.push(Statement { kind, span: s.span });
    }

    fn if_statement(
        &mut self,
        s: &ast::Statement,
        condition: &ast::Expr,
        then: &Block,
        otherwise: Option<&Block>,
        out: &mut Vec<Statement>,
    ) {
        let existence = super::call::asks_for_existence(condition);
        let condition = self.condition(condition, "D_OP_SCALAR", "the condition of `if`");
        if existence && let Some(n) = constant(&condition) {
            let taken = if n != 0 { Some(then) } else { otherwise };
            if let Some(block) = taken {
                out.extend(self.block(block));
            }
            return;
        }
        let before = self.env.order;
        let then = self.block(then);
        let after_then = std::mem::replace(&mut self.env.order, before);
        let otherwise = otherwise.map_or_else(Vec::new, |b| self.block(b));
        self.env.order = self.env.order.or(after_then);
        let kind = StatementKind::If { condition, then, otherwise };
        out.push(Statement { kind, span: s.span });
    }

    fn loop_statement(
        &mut self,
        condition: Option<Expr>,
        step: Option<&ast::Expr>,
        body: &Block,
    ) -> StatementKind {
        self.env.loops += 1;
        let body = self.block(body);
        self.env.loops -= 1;
        let step = step.map(|e| self.rvalue(e));
        StatementKind::Loop { condition, step, body }
    }

    /// A statement that is an expression or a call; `None` if it is wrong.
    fn expression_statement(&mut self, e: &ast::Expr) -> Option<StatementKind> {
        match &e.kind {
            Syntax::Call { function, args } => self.call_statement(function, args, e.span),
            Syntax::Assign(None, target, value) => {
                if let Syntax::Aggregation(a) = &target.kind {
                    return self.aggregate(a, value, e.span);
                }
                self.value_statement(e)
            }
            Syntax::Aggregation(a)
                if a.keys.is_empty() && !self.aggregation_names.contains_key(&a.name.name) =>
            {
                self.undefined_aggregation("D_IDENT_UNDEF", a);
                None
            }
            Syntax::Aggregation(a) => {
                let message = format!("`@{}` alone does nothing", a.name.name);
                self.report(
                    Diagnostic::error("D_AGG_NULL", e.span, message)
                        .hint(format!("assign to it: `@{} = count();`", a.name.name)),
                );
                None
            }
            Syntax::Conditional(c, a, b) if self.is_setting(c) => self.chosen_statement(c, a, b),
            _ => self.value_statement(e),
        }
    }

    /// Whether a condition is known before anything runs: it is made of numbers, and of names and
    /// macros that stand for one.
    fn is_setting(&self, e: &ast::Expr) -> bool {
        match &e.kind {
            Syntax::Integer(..) | Syntax::Char(_) => true,
            Syntax::Name(Scope::Global, name) if name.name.starts_with('$') => true,
            Syntax::Name(Scope::Global, name) => match self.names.global(&name.name) {
                Some(Symbol::Inline(inline)) => inline.params.is_none(),
                Some(Symbol::Enumerator(..)) => true,
                _ => false,
            },
            Syntax::Unary(_, a) => self.is_setting(a),
            Syntax::Binary(_, a, b) => self.is_setting(a) && self.is_setting(b),
            _ => false,
        }
    }

    /// `SETTING ? printf(…) : 1`, as scripts without `if` have it: one of the two is the statement.
    fn chosen_statement(
        &mut self,
        c: &ast::Expr,
        a: &ast::Expr,
        b: &ast::Expr,
    ) -> Option<StatementKind> {
        let condition = self.condition(c, "D_OP_SCALAR", "the condition of `?:`");
        match constant(&condition) {
            _ if self.is_bad(condition.ty) => None,
            Some(n) => self.expression_statement(if n != 0 { a } else { b }),
            // An executable learns its arguments when it is run.
            None => {
                let before = self.env.order;
                let then = self.alternative(a);
                let after_then = std::mem::replace(&mut self.env.order, before);
                let otherwise = self.alternative(b);
                self.env.order = self.env.order.or(after_then);
                Some(StatementKind::If { condition, then, otherwise })
            }
        }
    }

    fn alternative(&mut self, e: &ast::Expr) -> Vec<Statement> {
        let kind = self.expression_statement(e);
        kind.map(|kind| Statement { kind, span: e.span }).into_iter().collect()
    }

    fn value_statement(&mut self, e: &ast::Expr) -> Option<StatementKind> {
        let value = match self.expr(e) {
            // Looked at and left: it has no effect, but is no error.
            Value::Translated(_) => return None,
            Value::Plain(value) => value,
        };
        // Only what can be evaluated into a register: a struct by value has no effect.
        let value = match value.kind {
            ExprKind::Read(_) if !self.types.is_scalar(value.ty) => return None,
            _ => value,
        };
        Some(StatementKind::Expr(value))
    }

    /// Takes note of an action where the order matters.
    pub(super) fn in_order(&mut self, kind: Kind, span: strand_grammar::source::Span) {
        if let Some(problem) = self.env.order.take(kind, span) {
            self.report(problem);
        }
    }
}

/// Whether an expression assigns to something.
fn assigns(e: &ast::Expr) -> bool {
    match &e.kind {
        Syntax::Assign(..) | Syntax::Increment { .. } => true,
        Syntax::Index(a, keys) => assigns(a) || keys.iter().any(assigns),
        Syntax::Call { args, .. } => args.iter().any(assigns),
        Syntax::Member(a, _)
        | Syntax::Arrow(a, _)
        | Syntax::Unary(_, a)
        | Syntax::Cast(_, a)
        | Syntax::Stringof(a)
        | Syntax::Xlate(_, a) => assigns(a),
        Syntax::Binary(_, a, b) | Syntax::Comma(a, b) => assigns(a) || assigns(b),
        Syntax::Conditional(c, a, b) => assigns(c) || assigns(a) || assigns(b),
        _ => false,
    }
}
