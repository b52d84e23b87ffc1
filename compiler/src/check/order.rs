//! The order of actions in a clause that speculates.
//!
//! In: what a clause does, one thing after the other. Out: what mustn't come after what
//! came before. What is recorded after `speculate()` goes to the speculation; so that must
//! come first, and what can't be taken back can't come after it.

use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// What an action is in this respect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Data for the reader.
    Record,
    /// What changes the system.
    Destructive,
    /// `exit()`
    Exit,
    /// `@a = …`
    Aggregate,
    Speculate,
    Commit,
    Discard,
}

/// What a clause has done so far: where, first.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Order {
    speculated: Option<Span>,
    committed: Option<Span>,
    recorded: Option<Span>,
    aggregated: Option<Span>,
}

impl Order {
    /// Takes note of an action; what is wrong with it coming here.
    pub fn take(&mut self, kind: Kind, span: Span) -> Option<Diagnostic> {
        let data = self.recorded.or(self.aggregated);
        let problem = match kind {
            Kind::Discard => None,
            Kind::Commit => {
                data.map(|at| ("D_COMM_DREC", "`commit()` can't follow what records data", at))
            }
            Kind::Speculate => self
                .speculated
                .map(|at| ("D_SPEC_SPEC", "a clause can only speculate once", at))
                .or(self
                    .committed
                    .map(|at| ("D_SPEC_COMM", "`speculate()` can't follow `commit()`", at)))
                .or(data
                    .map(|at| ("D_SPEC_DREC", "`speculate()` can't follow what records data", at))),
            Kind::Aggregate => self
                .committed
                .map(|at| ("D_AGG_COMM", "an aggregation can't follow `commit()`", at))
                .or(self
                    .speculated
                    .map(|at| ("D_AGG_SPEC", "an aggregation can't follow `speculate()`", at))),
            Kind::Exit if self.speculated.is_some() => {
                self.speculated.map(|at| ("D_EXIT_SPEC", "`exit()` can't follow `speculate()`", at))
            }
            Kind::Destructive if self.speculated.is_some() => self
                .speculated
                .map(|at| ("D_ACT_SPEC", "what is destructive can't follow `speculate()`", at)),
            Kind::Record | Kind::Exit | Kind::Destructive => self
                .committed
                .map(|at| ("D_DREC_COMM", "what records data can't follow `commit()`", at)),
        };
        let first = match kind {
            Kind::Speculate => &mut self.speculated,
            Kind::Commit => &mut self.committed,
            Kind::Aggregate => &mut self.aggregated,
            Kind::Record | Kind::Exit | Kind::Destructive => &mut self.recorded,
            Kind::Discard => return None,
        };
        first.get_or_insert(span);
        problem.map(|(code, message, before)| {
            Diagnostic::error(code, span, message)
                .label(before, "after this")
                .hint("put it into a clause of its own")
        })
    }

    /// After either of two ways through a clause.
    pub fn or(self, other: Order) -> Order {
        Order {
            speculated: self.speculated.or(other.speculated),
            committed: self.committed.or(other.committed),
            recorded: self.recorded.or(other.recorded),
            aggregated: self.aggregated.or(other.aggregated),
        }
    }
}
