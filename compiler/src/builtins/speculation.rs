//! `speculation()`: takes a free speculation.
//!
//! Free ids wait in a queue that the runtime fills at first, and `commit` and `discard`
//! afterwards, so taking one is one helper call however many there are.

use super::{Context, Operand, ResultType, Subroutine};
use crate::ir::{Cond, Helper, Type, Width};
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
    let at = cx.memory(8);
    cx.b.store_imm(Width::W64, at, 0, 0);
    let queue = cx.b.map(queue);
    let result = cx.helper(Helper::MAP_POP_ELEM, &[queue, at]);
    let (none, some) = (cx.b.block(&[]), cx.b.block(&[]));
    let done = cx.b.block(&[Type::I64]);
    let zero = cx.int(0);
    // Older kernels return an error in the lower half only.
    cx.b.branch(Cond::Ne, result, zero, none, some);
    cx.b.switch_to(none);
    cx.count_drop(Drops::SpeculationUnavailable);
    let zero = cx.int(0);
    cx.b.jump(done, &[zero]);
    cx.b.switch_to(some);
    let id = cx.b.load(Width::W32, false, at, 0);
    let (state, missing) = cx.lookup(states, at);
    let active = cx.int(1);
    cx.b.store(Width::W32, state, 0, active);
    cx.b.jump(done, &[id]);
    cx.b.switch_to(missing);
    let zero = cx.int(0);
    cx.b.jump(done, &[zero]);
    cx.b.switch_to(done);
    Operand::Number(cx.b.block_param(done, 0))
}
