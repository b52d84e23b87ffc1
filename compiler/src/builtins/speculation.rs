//! `speculation()`: takes a free speculation ([`crate::lower`]'s `speculation` says how).

use super::{Operand, ResultType, Subroutine};

pub(super) const SUBROUTINES: &[Subroutine] = &[Subroutine {
    name: "speculation",
    result: ResultType::D("int"),
    params: &[],
    doc: "a new speculation's id, 0 if none is free",
    allocates: false,
    lower: |cx, _| Operand::Number(cx.take_speculation()),
}];
