//! Upper and lower case: `toupper tolower`, of ASCII letters.

use super::measured;
use super::walk::{Turn, turn, walk, words};
use crate::builtins::{Call, Context, Operand, ParamKind, ResultType, Subroutine, required};
use crate::ir::{BinOp, Cond, FunctionId};
use crate::lower::Text;

pub(in crate::builtins) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "toupper",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String)],
        doc: "text with its letters in upper case",
        allocates: false,
        lower: |cx, call| {
            let turn = turn(cx, "strand_toupper", 2, |t| letter(t, (b'a', b'z')));
            changed(cx, call, turn)
        },
    },
    Subroutine {
        name: "tolower",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String)],
        doc: "text with its letters in lower case",
        allocates: false,
        lower: |cx, call| {
            let turn = turn(cx, "strand_tolower", 2, |t| letter(t, (b'A', b'Z')));
            changed(cx, call, turn)
        },
    },
];

const TEXT: usize = 1;
/// What upper and lower case differ in.
const CASE: i64 = 0x20;

fn letter(t: &mut Turn, changed: (u8, u8)) {
    let n = t.n;
    let c = t.byte(TEXT, n);
    t.when(Cond::Eq, c, 0, Turn::stop);
    t.when_in(c, changed, |t| {
        let other = t.b.binary_imm(BinOp::Xor, c, CASE);
        t.put(TEXT, n, other);
    });
}

fn changed(cx: &mut Context, call: &Call, turn: FunctionId) -> Operand {
    let text = cx.text(&call.args[0]);
    let (copy, _) = measured(cx, &text, call);
    let words = words(cx, &[]);
    let strsize = cx.strsize();
    walk(&mut cx.b, turn, i64::from(strsize), &[words, copy]);
    Operand::Text(Text::Memory(copy, strsize))
}
