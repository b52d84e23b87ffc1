//! Random statements, by proptest, which makes those that fail smaller.
//!
//! In: nothing but proptest's numbers. Out: [`Stmt`]s for [`super::generate`]. Decides how
//! often there is what, and which numbers are likely to matter.

use super::generate::{Pick, Stmt};
use crate::ir::{BinOp, Cond, FieldInfo, Place, UnOp, Width};
use proptest::prelude::*;

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

/// Statements on values alone and on `.bss`.
fn plain() -> BoxedStrategy<Stmt> {
    let p = any::<Pick>;
    prop_oneof![
        number().prop_map(Stmt::Const),
        (one_of(BinOp::NAMES), p(), p()).prop_map(|(o, a, b)| Stmt::Binary(o, a, b)),
        (one_of(BinOp::NAMES), p(), number()).prop_map(|(o, a, n)| Stmt::BinaryImm(o, a, n)),
        (one_of(BinOp::NAMES), number(), number()).prop_map(|(o, m, n)| Stmt::BinaryConst(o, m, n)),
        (one_of(UnOp::NAMES), p()).prop_map(|(o, a)| Stmt::Unary(o, a)),
        (one_of(Cond::NAMES), p(), p()).prop_map(|(c, a, b)| Stmt::Compare(c, a, b)),
        (one_of(Cond::NAMES), p(), number()).prop_map(|(c, a, n)| Stmt::CompareImm(c, a, n)),
        (width(), any::<bool>(), any::<u8>()).prop_map(|(w, s, o)| Stmt::Context(w, s, o)),
        (any::<u8>(), p()).prop_map(|(i, v)| Stmt::Output(i, v)),
        (1u8..6, one_of(&Place::NAMES[..2]), p()).prop_map(|(n, place, v)| Stmt::Slot(n, place, v)),
        (p(), width(), any::<bool>(), any::<u8>()).prop_map(|(s, w, x, o)| Stmt::Load(s, w, x, o)),
        (p(), p()).prop_map(|(s, v)| Stmt::LoadIndexed(s, v)),
        (p(), width(), any::<u8>(), p()).prop_map(|(s, w, o, v)| Stmt::Store(s, w, o, v)),
        (p(), width(), any::<u8>(), number()).prop_map(|(s, w, o, n)| Stmt::StoreImm(s, w, o, n)),
    ]
    .boxed()
}

/// Those that need a kernel or atomics as well.
fn all() -> BoxedStrategy<Stmt> {
    let p = any::<Pick>;
    let more = prop_oneof![
        (1u8..6, p()).prop_map(|(n, v)| Stmt::Slot(n, Place::Scratch, v)),
        one_of(&FieldInfo::NAMES[..6]).prop_map(Stmt::Field),
        Just(Stmt::FieldLoad),
        any::<u8>().prop_map(Stmt::Rodata),
        (p(), wide(), p()).prop_map(|(s, w, v)| Stmt::AtomicAdd(s, w, v)),
        (p(), wide(), p()).prop_map(|(s, w, v)| Stmt::FetchAdd(s, w, v)),
        (p(), wide(), p(), p()).prop_map(|(s, w, e, n)| Stmt::CompareExchange(s, w, e, n)),
        (p(), p()).prop_map(|(s, v)| Stmt::ProbeRead(s, v)),
        (p(), p()).prop_map(|(to, from)| Stmt::Copy(to, from)),
        (p(), p()).prop_map(|(a, b)| Stmt::Record(a, b)),
        first().prop_map(Stmt::Find),
        first().prop_map(Stmt::Find),
        (first(), p()).prop_map(|(k, v)| Stmt::Insert(k, v)),
        first().prop_map(Stmt::Delete),
        Just(Stmt::Signal),
        Just(Stmt::Pid),
        (p(), p()).prop_map(|(a, b)| Stmt::Call(a, b)),
        // The verifier trips over the callback of a loop of which it knows that it makes no turn.
        (1u8..5, p()).prop_map(|(n, v)| Stmt::Repeat(n, v)),
    ];
    prop_oneof![2 => plain(), 1 => more].boxed()
}

/// Statements of a kind in blocks; `lookups` are blocks, too. In loops there are others
/// only if they are `deep`.
fn nested(
    leaf: BoxedStrategy<Stmt>,
    lookups: bool,
    deep: bool,
) -> impl Strategy<Value = Vec<Stmt>> {
    let p = any::<Pick>;
    let tree = leaf.clone().prop_recursive(4, 48, 8, move |inner| {
        let body = || prop::collection::vec(inner.clone(), 0..8);
        let turn = prop::collection::vec(if deep { inner.clone() } else { leaf.clone() }, 0..8);
        let flow = prop_oneof![
            (one_of(Cond::NAMES), p(), p(), body(), body())
                .prop_map(|(c, a, b, x, y)| Stmt::If(c, a, b, x, y)),
            (one_of(Cond::NAMES), p(), number(), body(), body())
                .prop_map(|(c, a, n, x, y)| Stmt::IfImm(c, a, n, x, y)),
            (one_of(Cond::NAMES), first(), 0i64..3, body(), body())
                .prop_map(|(c, a, n, x, y)| Stmt::IfImm(c, a, n, x, y)),
            (p(), p(), body()).prop_map(|(a, b, x)| Stmt::IfBoth(a, b, x)),
            (0u8..4, turn).prop_map(|(n, x)| Stmt::Loop(n, x)),
            (p(), p(), body()).prop_map(|(a, s, x)| Stmt::Guarded(a, s, x)),
        ];
        match lookups {
            true => {
                prop_oneof![3 => flow, 1 => (p(), body()).prop_map(|(k, x)| Stmt::Lookup(k, x))]
                    .boxed()
            }
            false => flow.boxed(),
        }
    });
    prop::collection::vec(tree, 1..24)
}

/// Programs with everything.
pub fn programs() -> impl Strategy<Value = Vec<Stmt>> {
    nested(all(), true, true)
}

/// The same, but for loops that the kernel's verifier would follow for minutes, each branch in
/// each turn. Lowering makes none of these: its loops are callbacks.
pub fn verifiable_programs() -> impl Strategy<Value = Vec<Stmt>> {
    nested(all(), true, false)
}

/// Programs without helpers, maps, relocations and atomics.
pub fn plain_programs() -> impl Strategy<Value = Vec<Stmt>> {
    nested(plain(), false, true)
}
