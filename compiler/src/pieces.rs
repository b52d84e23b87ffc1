//! Enablings of a great many clauses, in pieces that are programs of their own.
//!
//! In: an enabling. Out: enablings of the same sites with some of the clauses each, in order. The
//! kernel's verifier gives up where a program has too many branches, and what is made of a program
//! while it is compiled should find room in the processor's caches. Decides where clauses can be
//! parted: `this->` variables live as long as one program runs. Pieces run one after the other,
//! so that this is done only where the kernel runs programs in the order in which they are
//! attached, or the runtime runs them itself.

use crate::kernel::Attach;
use crate::typed::walk::{self, Node};
use crate::typed::{Clause, Enabling, Variable, VariableId};
use rustc_hash::FxHashMap;
use strand_grammar::ast::Scope;

/// What is no larger needs no pieces: some hundreds of clauses, as they are. The verifier would
/// look at ten times as many branches, and at a hundred times as many instructions.
const MOST: usize = 6000;

/// Cuts up those that have too many clauses.
pub(crate) fn cut(enablings: Vec<Enabling>, variables: &[Variable]) -> Vec<Enabling> {
    let is_error = |e: &&Enabling| e.sites.iter().any(|s| s.attach == Attach::Error);
    let of_error: Vec<VariableId> = enablings
        .iter()
        .filter(is_error)
        .flat_map(|e| &e.clauses)
        .flat_map(|clause| Outline::of(clause, variables).locals)
        .collect();
    let mut pieces = Vec::with_capacity(enablings.len());
    for enabling in enablings {
        if !enabling.sites.iter().all(|s| in_order(&s.attach)) {
            pieces.push(enabling);
            continue;
        }
        let Enabling { sites, clauses } = enabling;
        let outlines: Vec<_> = clauses.iter().map(|c| Outline::of(c, variables)).collect();
        let mut clauses = clauses.into_iter();
        let mut begin = 0;
        for end in ends(&outlines, &of_error) {
            let clauses = clauses.by_ref().take(end - begin).collect();
            pieces.push(Enabling { sites: sites.clone(), clauses });
            begin = end;
        }
    }
    pieces
}

/// Whether what is attached first there runs first.
fn in_order(attach: &Attach) -> bool {
    matches!(
        attach,
        Attach::Begin
            | Attach::End
            | Attach::Tracepoint { .. }
            | Attach::RawTracepoint { .. }
            | Attach::SyscallEntry { .. }
            | Attach::SyscallReturn { .. }
    )
}

/// What has to be known of a clause.
struct Outline {
    /// Statements, expressions and mentions of variables.
    size: usize,
    /// The clause-locals that it has to do with.
    locals: Vec<VariableId>,
}

impl Outline {
    fn of(clause: &Clause, variables: &[Variable]) -> Self {
        let mut outline = Outline { size: 1, locals: Vec::new() };
        walk::clause(clause, &mut |node| {
            outline.size += 1;
            if let Node::Variable(v) = node
                && variables[v.0 as usize].scope == Scope::Clause
            {
                outline.locals.push(v);
            }
        });
        outline
    }
}

/// Behind which clauses to cut; the last is the end. Clauses that share a local stay together, as
/// do all if one has to do with what ERROR's clauses know, which run wherever one faults.
fn ends(clauses: &[Outline], of_error: &[VariableId]) -> Vec<usize> {
    let mut last: FxHashMap<VariableId, usize> = FxHashMap::default();
    for (i, clause) in clauses.iter().enumerate() {
        last.extend(clause.locals.iter().map(|v| (*v, i)));
    }
    if of_error.iter().any(|v| last.contains_key(v)) {
        return vec![clauses.len()];
    }
    let mut ends = Vec::new();
    // Of the piece in the making, and of what comes behind the last place where it could end.
    let (mut size, mut behind) = (0, 0);
    let (mut possible, mut shared_until) = (None, 0);
    for (i, clause) in clauses.iter().enumerate() {
        size += clause.size;
        behind += clause.size;
        if size > MOST
            && let Some(end) = possible.take()
        {
            ends.push(end);
            size = behind;
        }
        let until = clause.locals.iter().filter_map(|v| last.get(v)).max();
        shared_until = shared_until.max(until.copied().unwrap_or(0));
        if shared_until <= i {
            possible = Some(i + 1);
            behind = 0;
        }
    }
    ends.push(clauses.len());
    ends
}

#[cfg(test)]
mod tests {
    use crate::check::{KnownTypes, check};
    use crate::fixture::FixtureKernel;
    use crate::options::Options;
    use strand_grammar::macros::Macros;
    use strand_grammar::source::{SourceKind, Sources};
    use strand_grammar::{Unit, UnitKind};

    /// How many clauses the enablings of a script have.
    fn sizes(text: &str) -> Vec<usize> {
        let kernel = FixtureKernel::new();
        let mut sources = Sources::new();
        let source = sources.add("test.d", text, SourceKind::Script);
        let unit = Unit { source, kind: UnitKind::Script };
        let (program, diagnostics) =
            strand_grammar::parse(&sources, &[unit], &KnownTypes::new(&kernel), &Macros::default());
        assert_eq!(diagnostics, []);
        let (typed, diagnostics) = check(&program, &mut sources, &kernel, &Options::default());
        assert_eq!(diagnostics, []);
        let indexes = typed.enablings.iter().flat_map(|e| &e.clauses).map(|c| c.index);
        assert!(indexes.is_sorted(), "in another order");
        typed.enablings.iter().map(|e| e.clauses.len()).collect()
    }

    /// The size of a clause that counts.
    const COUNTING: usize = 4;
    /// So many of them are a piece.
    const PIECE: usize = super::MOST / COUNTING;

    /// So many clauses of a system call, each with this body.
    fn clauses(n: usize, body: &str) -> String {
        format!("syscall::read:entry {{ {body} }}\n").repeat(n)
    }

    #[test]
    fn what_is_short_stays_whole() {
        assert_eq!(sizes(&clauses(PIECE, "n++;")), [PIECE]);
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(sizes(&clauses(2 * PIECE + 88, "n++;")), [PIECE, PIECE, 88]);
        let begin = "BEGIN { n++; }\n".repeat(PIECE + 1);
        assert_eq!(sizes(&begin), [PIECE, 1]);
    }

    #[test]
    fn clauses_that_share_a_local_stay_together() {
        let sharing = |from: usize, shared: usize, to: usize| {
            clauses(from, "n++;") + &clauses(shared, "this->x++;") + &clauses(to, "n++;")
        };
        assert_eq!(sizes(&sharing(PIECE - 50, 100, 100)), [PIECE - 50, 200]);
        assert_eq!(sizes(&sharing(10, 2 * PIECE, PIECE + 1)), [10, 2 * PIECE, PIECE, 1]);
        assert_eq!(sizes(&sharing(10, PIECE, 0)), [10, PIECE]);
        let errors = sharing(PIECE, 2, 0) + "ERROR { n = this->x; }";
        assert_eq!(sizes(&errors), [PIECE + 2, 1]);
        let errors = clauses(PIECE + 9, "n++;") + "ERROR { n++; this->y = 1; }";
        assert_eq!(sizes(&errors), [PIECE, 9, 1]);
    }

    /// A processor's sample is taken by programs whose order nobody knows.
    #[test]
    fn what_has_no_order_stays_whole() {
        assert_eq!(sizes(&"profile-97 { n++; }\n".repeat(PIECE + 1)), [PIECE + 1]);
    }
}
