//! Random statements, by proptest, which makes those that fail smaller.
//!
//! In: nothing but proptest's numbers. Out: [`Stmt`]s for [`super::generate`]. Decides how
//! often there is what, and which numbers are likely to matter.

use super::generate::{Pick, Stmt};
use crate::ir::{BinOp, Cond, FieldInfo, Place, UnOp, Width};
use proptest::prelude::*;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// Numbers that are likely to matter.
pub fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        -4i64..9,
        any::<i8>().prop_map(i64::from),
        any::<i64>(),
        (0u32..64).prop_map(|n| 1i64 << n),
        (0u32..64).prop_map(|n| (1i64 << n).wrapping_sub(1)),
        Just(i64::from(i32::MIN)),
        Just(i64::from(i32::MAX) + 1),
    ]
}

/// What statements are about.
#[derive(Clone, Copy, Debug)]
enum Scope {
    /// Anything.
    Wide,
    /// A few values, places, numbers and operations: much is computed, compared, stored and looked
    /// up again, and what lies between may or may not change it.
    Narrow,
}

impl Scope {
    fn pick(self) -> BoxedStrategy<Pick> {
        match self {
            Scope::Wide => any::<Pick>().boxed(),
            Scope::Narrow => first().boxed(),
        }
    }

    fn number(self) -> BoxedStrategy<i64> {
        match self {
            Scope::Wide => number().boxed(),
            Scope::Narrow => (0i64..4).boxed(),
        }
    }

    fn offset(self) -> BoxedStrategy<u8> {
        match self {
            Scope::Wide => any::<u8>().boxed(),
            Scope::Narrow => (0u8..2).boxed(),
        }
    }

    fn width(self) -> BoxedStrategy<Width> {
        match self {
            Scope::Wide => width().boxed(),
            Scope::Narrow => wide().boxed(),
        }
    }

    fn signed(self) -> BoxedStrategy<bool> {
        match self {
            Scope::Wide => any::<bool>().boxed(),
            Scope::Narrow => Just(false).boxed(),
        }
    }

    /// One of an operation's kinds, or of its first few.
    fn one_of<T: Copy + std::fmt::Debug + 'static>(
        self,
        names: &'static [(T, &'static str)],
    ) -> BoxedStrategy<T> {
        const FEW: usize = 4;
        match self {
            Scope::Wide => one_of(names).boxed(),
            Scope::Narrow => one_of(&names[..names.len().min(FEW)]).boxed(),
        }
    }
}

/// Selects one of the first values, so that it is often the same: as a key, or in comparisons.
fn first() -> impl Strategy<Value = Pick> {
    0u8..4
}

fn one_of<T: Copy + std::fmt::Debug + 'static>(
    names: &'static [(T, &'static str)],
) -> impl Strategy<Value = T> {
    (0..names.len()).prop_map(|i| names[i].0)
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::W8), Just(Width::W16), Just(Width::W32), Just(Width::W64)]
}

fn wide() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::W32), Just(Width::W64)]
}

/// Statements on values alone and on `.bss`, by kind.
fn plain(scope: Scope) -> Vec<BoxedStrategy<Stmt>> {
    let (p, n) = (|| scope.pick(), || scope.number());
    let (at, w, x) = (|| scope.offset(), || scope.width(), || scope.signed());
    let (binary, unary) = (|| scope.one_of(BinOp::NAMES), || scope.one_of(UnOp::NAMES));
    let cond = || scope.one_of(Cond::NAMES);
    vec![
        (1u8..6, one_of(&Place::NAMES[..2]), p())
            .prop_map(|(n, place, v)| Stmt::Slot(n, place, v))
            .boxed(),
        n().prop_map(Stmt::Const).boxed(),
        (binary(), p(), p()).prop_map(|(o, a, b)| Stmt::Binary(o, a, b)).boxed(),
        (binary(), p(), n()).prop_map(|(o, a, n)| Stmt::BinaryImm(o, a, n)).boxed(),
        (binary(), n(), n()).prop_map(|(o, m, n)| Stmt::BinaryConst(o, m, n)).boxed(),
        (unary(), p()).prop_map(|(o, a)| Stmt::Unary(o, a)).boxed(),
        (cond(), p(), p()).prop_map(|(c, a, b)| Stmt::Compare(c, a, b)).boxed(),
        (cond(), p(), n()).prop_map(|(c, a, n)| Stmt::CompareImm(c, a, n)).boxed(),
        (w(), x(), at()).prop_map(|(w, s, o)| Stmt::Context(w, s, o)).boxed(),
        (any::<u8>(), p()).prop_map(|(i, v)| Stmt::Output(i, v)).boxed(),
        (p(), w(), x(), at()).prop_map(|(s, w, x, o)| Stmt::Load(s, w, x, o)).boxed(),
        (p(), p()).prop_map(|(s, v)| Stmt::LoadIndexed(s, v)).boxed(),
        (p(), w(), at(), p()).prop_map(|(s, w, o, v)| Stmt::Store(s, w, o, v)).boxed(),
        (p(), w(), at(), n()).prop_map(|(s, w, o, n)| Stmt::StoreImm(s, w, o, n)).boxed(),
    ]
}

/// The same, and those that need a kernel or atomics.
fn all(scope: Scope) -> Vec<BoxedStrategy<Stmt>> {
    let p = || scope.pick();
    let more = vec![
        (1u8..6, p()).prop_map(|(n, v)| Stmt::Slot(n, Place::Scratch, v)).boxed(),
        one_of(&FieldInfo::NAMES[..6]).prop_map(Stmt::Field).boxed(),
        Just(Stmt::FieldLoad).boxed(),
        scope.offset().prop_map(Stmt::Rodata).boxed(),
        (p(), wide(), p()).prop_map(|(s, w, v)| Stmt::AtomicAdd(s, w, v)).boxed(),
        (p(), wide(), p()).prop_map(|(s, w, v)| Stmt::FetchAdd(s, w, v)).boxed(),
        (p(), wide(), p(), p()).prop_map(|(s, w, e, n)| Stmt::CompareExchange(s, w, e, n)).boxed(),
        (p(), p()).prop_map(|(s, v)| Stmt::ProbeRead(s, v)).boxed(),
        (p(), p()).prop_map(|(to, from)| Stmt::Copy(to, from)).boxed(),
        (p(), p()).prop_map(|(a, b)| Stmt::Record(a, b)).boxed(),
        first().prop_map(Stmt::Find).boxed(),
        (first(), p()).prop_map(|(k, v)| Stmt::Insert(k, v)).boxed(),
        first().prop_map(Stmt::Delete).boxed(),
        Just(Stmt::Signal).boxed(),
        Just(Stmt::Pid).boxed(),
        (p(), p()).prop_map(|(a, b)| Stmt::Call(a, b)).boxed(),
        // The verifier trips over the callback of a loop of which it knows that it makes no turn.
        (1u8..5, p()).prop_map(|(n, v)| Stmt::Repeat(n, v)).boxed(),
    ];
    [plain(scope), more].concat()
}

/// Statements in blocks; `lookups` and `loops` are blocks, too.
fn flows(
    scope: Scope,
    inner: BoxedStrategy<Stmt>,
    (lookups, loops): (bool, bool),
) -> Vec<BoxedStrategy<Stmt>> {
    let (p, cond) = (|| scope.pick(), || scope.one_of(Cond::NAMES));
    let body = || prop::collection::vec(inner.clone(), 0..8);
    let mut flows = vec![
        (cond(), p(), p(), body(), body())
            .prop_map(|(c, a, b, x, y)| Stmt::If(c, a, b, x, y))
            .boxed(),
        (cond(), p(), scope.number(), body(), body())
            .prop_map(|(c, a, n, x, y)| Stmt::IfImm(c, a, n, x, y))
            .boxed(),
        (cond(), first(), 0i64..3, body(), body())
            .prop_map(|(c, a, n, x, y)| Stmt::IfImm(c, a, n, x, y))
            .boxed(),
        (p(), p(), body()).prop_map(|(a, b, x)| Stmt::IfBoth(a, b, x)).boxed(),
        (p(), p(), body()).prop_map(|(a, s, x)| Stmt::Guarded(a, s, x)).boxed(),
    ];
    if loops {
        flows.push((0u8..4, body()).prop_map(|(n, x)| Stmt::Loop(n, x)).boxed());
    }
    if lookups {
        flows.push((p(), body()).prop_map(|(k, x)| Stmt::Lookup(k, x)).boxed());
    }
    flows
}

/// Statements of any of these kinds.
fn any_of(kinds: Vec<BoxedStrategy<Stmt>>) -> BoxedStrategy<Stmt> {
    prop::strategy::Union::new(kinds).boxed()
}

/// Leaves those of a few kinds, which the number selects; memory and output always.
fn thin_out(stmts: &mut Vec<Stmt>, seed: u32) {
    const ONE_OF: u64 = 4;
    stmts.retain_mut(|stmt| {
        stmt.bodies().into_iter().for_each(|body| thin_out(body, seed));
        let mut hasher = FxHasher::default();
        (seed, std::mem::discriminant(stmt)).hash(&mut hasher);
        let selected = (hasher.finish() >> 32).is_multiple_of(ONE_OF);
        selected || matches!(stmt, Stmt::Slot(..) | Stmt::Output(..))
    });
}

/// Programs of these statements. Some have everything; of others, few kinds of statements are
/// left, so that these meet: what writes to memory and what reads it, one check behind another.
fn programs_of(
    leaves: fn(Scope) -> Vec<BoxedStrategy<Stmt>>,
    has: (bool, bool),
) -> impl Strategy<Value = Vec<Stmt>> {
    let trees = move |scope: Scope, most: usize| {
        let leaf = any_of(leaves(scope));
        let tree = leaf.prop_recursive(4, 48, 8, move |inner| any_of(flows(scope, inner, has)));
        prop::collection::vec(tree, 1..most)
    };
    let thinned = |scope| {
        (trees(scope, 64), any::<u32>()).prop_map(|(mut stmts, seed)| {
            thin_out(&mut stmts, seed);
            stmts
        })
    };
    prop_oneof![1 => trees(Scope::Wide, 24), 1 => thinned(Scope::Wide), 2 => thinned(Scope::Narrow)]
}

/// Programs with everything.
pub fn programs() -> impl Strategy<Value = Vec<Stmt>> {
    programs_of(all, (true, true))
}

/// The same, but for loops, in which the kernel's verifier would follow each branch in each turn.
/// Lowering makes none of these: its loops are callbacks.
pub fn verifiable_programs() -> impl Strategy<Value = Vec<Stmt>> {
    programs_of(all, (true, false))
}

/// Programs without helpers, maps, relocations and atomics.
pub fn plain_programs() -> impl Strategy<Value = Vec<Stmt>> {
    programs_of(plain, (false, true))
}
