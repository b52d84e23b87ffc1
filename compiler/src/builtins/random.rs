//! `rand()`

use super::{Operand, ResultType, Subroutine};
use crate::ir::Helper;

pub(super) const SUBROUTINES: &[Subroutine] = &[Subroutine {
    name: "rand",
    result: ResultType::D("int"),
    params: &[],
    doc: "a pseudo-random number",
    allocates: false,
    lower: |cx, call| {
        let n = cx.helper(Helper::GET_PRANDOM_U32, &[]);
        Operand::Number(cx.convert(n, call.expr.ty))
    },
}];
