//! Clauses and statements.
//!
//! In: a typed clause. Out: its predicate as a branch, its statements in order, its
//! recording actions gathered into rows (see `record`).

use super::context::{Context, Operand, Text};
use super::record::{Row, records, records_within};
use crate::ir::{Cond, Helper, Width};
use crate::manifest::{self, State};
use crate::typed::{Action, Clause, ExprKind, Statement, StatementKind};
use strand_grammar::source::Span;

/// Where a list of statements stands in its clause's line of output.
#[derive(Clone, Copy)]
struct Line {
    /// Nothing was recorded yet.
    first: bool,
    /// Nothing is recorded afterwards.
    last: bool,
}

/// Whether a clause may call `exit()`.
pub(crate) fn exits(clause: &Clause) -> bool {
    let mut found = false;
    crate::typed::walk::clause(clause, &mut |node| {
        if let crate::typed::walk::Node::Statement(s) = node {
            found |= matches!(s.kind, StatementKind::Action(Action::Exit(_)));
        }
    });
    found
}

/// The most rows that a way through these statements has; 2 for more.
fn most_rows(all: &[Statement]) -> usize {
    let mut rows = 0;
    let mut in_row = false;
    for s in all {
        let more = match &s.kind {
            StatementKind::If { then, otherwise, .. } => {
                in_row = false;
                most_rows(then).max(most_rows(otherwise))
            }
            StatementKind::Loop { body, .. } => {
                in_row = false;
                2 * most_rows(body)
            }
            StatementKind::Action(Action::Speculate(_)) => {
                in_row = false;
                0
            }
            _ if records(s) => usize::from(!std::mem::replace(&mut in_row, true)),
            _ => 0,
        };
        rows += more;
    }
    rows.min(2)
}

impl Context<'_, '_> {
    /// One clause, predicate and all; goes on behind it.
    pub(crate) fn clause(&mut self, clause: &Clause) {
        let end = self.b.block(&[]);
        self.env.end = end;
        self.env.clause = clause.index;
        self.env.record = None;
        self.env.speculation = None;
        self.env.whole = false;
        self.env.recorded = None;
        let outer = self.b.set_span(None);
        let uses = super::program::Uses::of(clause, self.unit.types());
        if uses.scratch {
            self.reset_scratch();
        }
        self.env.timestamp = None;
        if uses.timestamp_in_predicate {
            self.take_timestamp();
        }
        let asked = self.env.asked == Some(clause.index);
        self.read_args(|n| uses.args[n] > 1 && uses.args_in_predicate[n] > 0);
        if let Some(predicate) = clause.predicate.as_ref().filter(|_| !asked) {
            let body = self.b.block(&[]);
            self.branch_on(predicate, body, end);
            self.b.switch_to(body);
        }
        if uses.timestamp && self.env.timestamp.is_none() {
            self.take_timestamp();
        }
        self.read_args(|n| uses.args[n] > 1);
        if clause.default_action {
            self.empty_record(true, true);
        } else {
            self.body(&clause.body);
        }
        self.b.jump(end, &[]);
        self.b.switch_to(end);
        self.b.set_span(outer);
    }

    /// The statements of a clause with the record that opens its line and the one that
    /// ends it where control flow makes these necessary.
    fn body(&mut self, statements: &[Statement]) {
        if !records_within(statements) {
            self.statements(statements);
            // A firing that is only speculated about is one to show if it is committed.
            if self.env.speculation.is_some() {
                self.empty_record(true, true);
            }
            return;
        }
        let flow = |s: &Statement| {
            matches!(s.kind, StatementKind::If { .. } | StatementKind::Loop { .. })
                && records_within(std::slice::from_ref(s))
        };
        let quiet = self.unit.options.quiet;
        self.env.whole = quiet && most_rows(statements) <= 1;
        if self.env.whole || !statements.iter().any(flow) {
            return self.rows(statements, Line { first: true, last: true });
        }
        let first = statements.iter().position(flow).unwrap_or(0);
        let last = statements.iter().rposition(flow).unwrap_or(0);
        let opens = statements[..first].iter().any(records);
        let closes = statements[last + 1..].iter().any(records);
        // Without lines, there is only something to end if something was recorded.
        if quiet && !opens && !closes {
            let at = self.memory(8);
            self.b.store_imm(Width::W64, at, 0, 0);
            self.env.recorded = Some(at);
        }
        if !opens && !quiet {
            self.empty_record(true, false);
        }
        self.rows(&statements[..first], Line { first: true, last: false });
        self.rows(&statements[first..=last], Line { first: false, last: false });
        self.rows(&statements[last + 1..], Line { first: false, last: true });
        if closes {
            return;
        }
        let Some(at) = self.env.recorded.take() else { return self.empty_record(false, true) };
        let (some, done) = (self.b.block(&[]), self.b.block(&[]));
        let recorded = self.b.load(Width::W64, false, at, 0);
        self.b.branch_imm(Cond::Ne, recorded, 0, some, done);
        self.b.switch_to(some);
        self.empty_record(false, true);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    /// Takes note that the clause has recorded something, where that is asked for.
    fn note_recorded(&mut self) {
        if let (Some(at), None) = (self.env.recorded, &self.env.frame) {
            self.b.store_imm(Width::W64, at, 0, 1);
        }
    }

    /// Statements in order, without any place in a line.
    pub(crate) fn statements(&mut self, all: &[Statement]) {
        self.rows(all, Line { first: false, last: false });
    }

    /// Statements in order; each run of them without control flow is one row.
    fn rows(&mut self, all: &[Statement], line: Line) {
        let is_flow = |s: &Statement| {
            matches!(
                s.kind,
                StatementKind::If { .. }
                    | StatementKind::Loop { .. }
                    | StatementKind::Break
                    | StatementKind::Continue
                    | StatementKind::Action(Action::Speculate(_))
            )
        };
        let mut rest = all;
        while let Some(s) = rest.first() {
            if is_flow(s) {
                self.flow(s);
                rest = &rest[1..];
            } else {
                let n = rest.iter().position(is_flow).unwrap_or(rest.len());
                let recorded_later = rest[n..].iter().any(records);
                let recorded_before = all[..all.len() - rest.len()].iter().any(records);
                let line = Line {
                    first: line.first && !recorded_before,
                    last: line.last && !recorded_later,
                };
                self.row(&rest[..n], line);
                rest = &rest[n..];
            }
        }
    }

    /// A run of statements without control flow.
    fn row(&mut self, run: &[Statement], line: Line) {
        let mut row = Row::new();
        let mut plans = Vec::new();
        let mut wake = false;
        for s in run {
            plans.push(match &s.kind {
                StatementKind::Action(a) => {
                    wake |= matches!(a, Action::Exit(_));
                    self.plan_action(&mut row, a)
                }
                _ => Vec::new(),
            });
        }
        let last = run.iter().rposition(records);
        let layout = last.map(|_| self.close_layout(row, line.first, line.last));
        for (i, (s, parts)) in run.iter().zip(plans).enumerate() {
            let outer = self.b.set_span(Some(s.span));
            if let (true, None, Some((index, size))) = (records(s), self.env.record, layout) {
                let record = self.reserve(index, size);
                self.env.record = Some(record);
            }
            self.plain(s);
            for part in parts {
                self.record_part(&part);
            }
            if let StatementKind::Action(a) = &s.kind {
                self.after(a, s.span);
            }
            if Some(i) == last
                && let Some(record) = self.env.record.take()
            {
                self.submit(record, wake);
                self.note_recorded();
            }
            self.b.set_span(outer);
        }
    }

    /// What a statement does besides recording.
    fn plain(&mut self, s: &Statement) {
        match &s.kind {
            StatementKind::Expr(e) => {
                // Text that nobody keeps is still read: that it can't be is a fault.
                if let Operand::Text(text @ (Text::User(..) | Text::Kernel(..))) = self.expr(e)
                    && !matches!(e.kind, ExprKind::Assign { .. })
                {
                    self.text_memory(&text, s.span);
                }
            }
            StatementKind::Aggregate { aggregation, keys, value, increment } => {
                self.aggregate(*aggregation, keys, value.as_ref(), increment.as_ref(), s.span);
            }
            _ => {}
        }
    }

    /// What an action does in the kernel once its data is recorded.
    fn after(&mut self, action: &Action, span: Span) {
        match action {
            Action::Exit(_) => {
                let state = self.b.bss(manifest::STATE_OFFSET);
                self.b.store_imm(Width::W32, state, 0, State::Stopping as i64);
            }
            Action::Discard(id) => {
                self.end_speculation(id);
            }
            Action::Raise(e) => self.send_signal(e, span),
            Action::Chill(e) => self.wait(e, span),
            Action::Return(e) => self.override_return(e),
            _ => {}
        }
    }

    fn flow(&mut self, s: &Statement) {
        let outer = self.b.set_span(Some(s.span));
        match &s.kind {
            StatementKind::If { condition, then, otherwise } => {
                let (yes, no, done) = (self.b.block(&[]), self.b.block(&[]), self.b.block(&[]));
                self.branch_on(condition, yes, no);
                for (block, body) in [(yes, then), (no, otherwise)] {
                    self.b.switch_to(block);
                    self.statements(body);
                    self.b.jump(done, &[]);
                }
                self.b.switch_to(done);
            }
            StatementKind::Loop { condition, step, body } => {
                // Its turns can't tell.
                if records_within(body) {
                    self.note_recorded();
                }
                self.bpf_loop(condition.as_ref(), step.as_ref(), body, s.span);
            }
            StatementKind::Break => self.leave_loop(),
            StatementKind::Continue => self.next_turn(),
            StatementKind::Action(Action::Speculate(id)) => self.speculate(id),
            _ => {}
        }
        self.b.set_span(outer);
    }

    /// A record without data: the default action, or one end of a line.
    fn empty_record(&mut self, first: bool, last: bool) {
        let (index, size) = self.close_layout(Row::new(), first, last);
        let record = self.reserve(index, size);
        self.submit(record, false);
    }

    /// Ends the clause here.
    pub(crate) fn end_clause(&mut self) {
        if let Some(record) = self.env.record {
            let flags = self.int(0);
            self.helper(Helper::RINGBUF_DISCARD, &[record, flags]);
        }
        if self.env.frame.is_some() {
            return self.end_clause_in_frame();
        }
        let end = self.env.end;
        self.b.jump(end, &[]);
    }
}
