//! `speculation()`: takes a free speculation.
//!
//! Ids that were given back wait in a queue; where that is empty, the next that nobody has had
//! yet is taken. So taking one is a helper call or an addition, however many there are, and
//! nothing has to be filled before tracing begins. Of few, as there are if nobody asks for more,
//! the first is taken whose state says that it is free.

use super::{Context, Operand, ResultType, Subroutine};
use crate::ir::{BinOp, BlockId, Cond, Helper, MapId, Type, Width};
use crate::manifest::Drops;

pub(super) const SUBROUTINES: &[Subroutine] = &[Subroutine {
    name: "speculation",
    result: ResultType::D("int"),
    params: &[],
    doc: "a new speculation's id, 0 if none is free",
    allocates: false,
    lower: take,
}];

fn take(cx: &mut Context, _: &super::Call) -> Operand {
    let (queue, states) = cx.speculations();
    let Some(queue) = queue else { return take_of_few(cx, states) };
    let at = cx.memory(8);
    cx.b.store_imm(Width::W64, at, 0, 0);
    let queue = cx.b.map(queue);
    let result = cx.helper(Helper::MAP_POP_ELEM, &[queue, at]);
    let (unused, fresh, none, some) =
        (cx.b.block(&[]), cx.b.block(&[]), cx.b.block(&[]), cx.b.block(&[]));
    let done = cx.b.block(&[Type::I64]);
    let zero = cx.int(0);
    // Older kernels return an error in the lower half only.
    cx.b.branch(Cond::Ne, result, zero, unused, some);
    cx.b.switch_to(unused);
    let (counter, most) = (cx.used_speculations(), cx.most_speculations());
    let counter = cx.b.bss(counter);
    let one = cx.int(1);
    let before = cx.b.atomic_fetch_add(Width::W64, counter, 0, one);
    cx.b.branch_imm(Cond::ULt, before, most, fresh, none);
    cx.b.switch_to(fresh);
    let id = cx.b.binary_imm(BinOp::Add, before, 1);
    cx.b.store(Width::W32, at, 0, id);
    cx.b.jump(some, &[]);
    cx.b.switch_to(none);
    none_is_free(cx, done);
    cx.b.switch_to(some);
    let id = cx.b.load(Width::W32, false, at, 0);
    let (state, missing) = cx.lookup(states, at);
    let active = cx.int(1);
    cx.b.store(Width::W64, state, 0, active);
    cx.b.jump(done, &[id]);
    cx.b.switch_to(missing);
    let zero = cx.int(0);
    cx.b.jump(done, &[zero]);
    cx.b.switch_to(done);
    Operand::Number(cx.b.block_param(done, 0))
}

/// The first that is free.
fn take_of_few(cx: &mut Context, states: MapId) -> Operand {
    let at = cx.memory(8);
    let done = cx.b.block(&[Type::I64]);
    for id in 1..=cx.most_speculations() {
        cx.b.store_imm(Width::W32, at, 0, id);
        let (state, missing) = cx.lookup(states, at);
        let (free, active) = (cx.int(0), cx.int(1));
        let before = cx.b.atomic_compare_exchange(Width::W64, state, 0, free, active);
        let (taken, next) = (cx.b.block(&[]), cx.b.block(&[]));
        cx.b.branch_imm(Cond::Eq, before, 0, taken, next);
        cx.b.switch_to(taken);
        let id = cx.int(id);
        cx.b.jump(done, &[id]);
        cx.b.switch_to(missing);
        cx.b.jump(next, &[]);
        cx.b.switch_to(next);
    }
    none_is_free(cx, done);
    cx.b.switch_to(done);
    Operand::Number(cx.b.block_param(done, 0))
}

/// That is counted, and the id is 0.
fn none_is_free(cx: &mut Context, done: BlockId) {
    cx.count_drop(Drops::SpeculationUnavailable);
    let none = cx.int(0);
    cx.b.jump(done, &[none]);
}
