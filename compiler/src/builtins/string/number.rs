//! Numbers as text: `lltostr strtoll`.

use super::measured;
use super::walk::{Turn, turn, walk, word, words};
use crate::builtins::{
    Call, Context, Operand, ParamKind, ResultType, Subroutine, optional, required,
};
use crate::ir::{BinOp, Cond, UnOp, Value, Width};
use crate::lower::Text;
use crate::manifest::Fault;

pub(in crate::builtins) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "lltostr",
        result: ResultType::D("string"),
        params: &[required(ParamKind::Integer("int64_t")), optional(ParamKind::Integer("int"))],
        doc: "a number as text, in base 10 or that of 2 to 36 which is given",
        allocates: false,
        lower: lltostr,
    },
    Subroutine {
        name: "strtoll",
        result: ResultType::D("int64_t"),
        params: &[required(ParamKind::String), optional(ParamKind::Integer("int"))],
        doc: "the number that text begins with, in base 10 or that of 2 to 36 which is given",
        allocates: false,
        lower: strtoll,
    },
];

/// Words of both walks: the number; the base; where the next digit goes, or how far the
/// text has been understood; whether there is a minus.
const NUMBER: usize = 0;
const BASE: usize = 1;
const POSITION: usize = 2;
const NEGATIVE: usize = 3;
const TEXT: usize = 1;

fn base(cx: &mut Context, call: &Call) -> Value {
    let Some(e) = call.args.get(1) else { return cx.int(10) };
    let base = cx.scalar(e);
    let (least, most) = (cx.int(2), cx.int(36));
    cx.fault_if(Cond::SLt, base, least, Fault::IllegalOp, base, call.expr.span);
    cx.fault_if(Cond::SGt, base, most, Fault::IllegalOp, base, call.expr.span);
    base
}

// --------------------------------------------------------------------- lltostr

/// 64 digits, what is before them, a NUL; rounded up so that a mask bounds it.
const ROOM: u32 = 128;
const LAST: i64 = ROOM as i64 - 2;

fn lltostr(cx: &mut Context, call: &Call) -> Operand {
    let n = cx.scalar(&call.args[0]);
    let base = base(cx, call);
    let (zero, ten, one, last) = (cx.int(0), cx.int(10), cx.int(1), cx.int(LAST));
    // Only decimal numbers have a sign.
    let decimal = cx.b.compare(Cond::Eq, base, ten);
    let below = cx.b.compare(Cond::SLt, n, zero);
    let negative = cx.b.binary(BinOp::And, decimal, below);
    let positive = cx.b.unary(UnOp::Neg, n);
    let n = cx.select(Cond::Eq, negative, one, positive, n);
    let words = words(cx, &[n, base, last]);
    // As much again, since who reads the text may read so far from its start.
    let buffer = cx.scratch(2 * ROOM);
    cx.b.store_imm(Width::W8, buffer, LAST as i32 + 1, 0);
    let turn = turn(cx, "strand_digit", 2, |t| {
        let (n, base) = (t.word(NUMBER), t.word(BASE));
        let digit = t.b.binary(BinOp::URem, n, base);
        let rest = t.b.binary(BinOp::UDiv, n, base);
        t.set(NUMBER, rest);
        let letter = t.b.add_imm(digit, i64::from(b'a') - 10);
        t.when(Cond::ULt, digit, 10, |t| {
            let digit = t.b.add_imm(digit, i64::from(b'0'));
            prepend(t, digit);
            t.when(Cond::Eq, rest, 0, Turn::stop);
            t.next();
        });
        prepend(t, letter);
        t.when(Cond::Eq, rest, 0, Turn::stop);
    });
    walk(&mut cx.b, turn, 64, &[words, buffer]);
    for (condition, text) in
        [(Mark::Base(16), b'x'), (Mark::Base(16), b'0'), (Mark::Octal, b'0'), (Mark::Minus, b'-')]
    {
        let at = word(cx, words, POSITION);
        let at = cx.b.binary_imm(BinOp::And, at, i64::from(ROOM) - 1);
        let (yes, over) = (cx.b.block(&[]), cx.b.block(&[]));
        match condition {
            Mark::Base(wanted) => cx.b.branch_imm(Cond::Eq, base, wanted, yes, over),
            Mark::Minus => cx.b.branch_imm(Cond::Ne, negative, 0, yes, over),
            Mark::Octal => {
                let not_zero = cx.b.block(&[]);
                cx.b.branch_imm(Cond::Eq, base, 8, not_zero, over);
                cx.b.switch_to(not_zero);
                cx.b.branch_imm(Cond::Ne, n, 0, yes, over);
            }
        }
        cx.b.switch_to(yes);
        let to = cx.b.binary(BinOp::Add, buffer, at);
        let c = cx.int(i64::from(text));
        cx.b.store(Width::W8, to, 0, c);
        let next = cx.b.add_imm(at, -1);
        cx.b.store(Width::W64, words, 8 * POSITION as i32, next);
        cx.b.jump(over, &[]);
        cx.b.switch_to(over);
    }
    let start = word(cx, words, POSITION);
    let start = cx.b.add_imm(start, 1);
    let start = cx.b.binary_imm(BinOp::And, start, i64::from(ROOM) - 1);
    let text = cx.b.binary(BinOp::Add, buffer, start);
    Operand::Text(Text::Memory(text, ROOM))
}

/// When something comes before the digits.
enum Mark {
    Base(i64),
    /// Base 8, unless the number is 0.
    Octal,
    Minus,
}

fn prepend(t: &mut Turn, digit: Value) {
    let at = t.word(POSITION);
    let at = t.b.binary_imm(BinOp::And, at, i64::from(ROOM) - 1);
    let to = t.b.binary(BinOp::Add, t.area(TEXT), at);
    t.b.store(Width::W8, to, 0, digit);
    t.add(POSITION, -1);
}

// --------------------------------------------------------------------- strtoll

/// How far the text has been understood, in order.
mod state {
    pub const BEGIN: i64 = 0;
    pub const SIGNED: i64 = 1;
    /// A 0 in base 16, which an `x` may follow.
    pub const ZERO: i64 = 2;
    pub const DIGITS: i64 = 3;
}

fn strtoll(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    let base = base(cx, call);
    let (from, _) = measured(cx, &text, call);
    let zero = cx.int(0);
    let words = words(cx, &[zero, base, zero, zero]);
    let turn = turn(cx, "strand_strtoll", 2, number_turn);
    let turns = i64::from(cx.strsize());
    walk(&mut cx.b, turn, turns, &[words, from]);
    let n = word(cx, words, NUMBER);
    let negative = word(cx, words, NEGATIVE);
    let below = cx.b.unary(UnOp::Neg, n);
    Operand::Number(cx.select(Cond::Ne, negative, zero, below, n))
}

fn number_turn(t: &mut Turn) {
    let n = t.n;
    let c = t.byte(TEXT, n);
    let state = t.word(POSITION);
    let base = t.word(BASE);
    t.when(Cond::Eq, state, state::BEGIN, |t| {
        t.when(Cond::Eq, c, i64::from(b' '), Turn::next);
        t.when_in(c, (b'\t', b'\r'), Turn::next);
        t.set_imm(POSITION, state::SIGNED);
        t.when(Cond::Eq, c, i64::from(b'+'), Turn::next);
        t.when(Cond::Eq, c, i64::from(b'-'), |t| {
            t.set_imm(NEGATIVE, 1);
            t.next();
        });
    });
    t.when(Cond::ULe, state, state::SIGNED, |t| {
        t.set_imm(POSITION, state::DIGITS);
        t.when(Cond::Eq, base, 16, |t| {
            t.when(Cond::Eq, c, i64::from(b'0'), |t| {
                t.set_imm(POSITION, state::ZERO);
                t.next();
            });
        });
    });
    t.when(Cond::Eq, state, state::ZERO, |t| {
        t.set_imm(POSITION, state::DIGITS);
        // x or X
        let lower = t.b.binary_imm(BinOp::Or, c, 0x20);
        t.when(Cond::Eq, lower, i64::from(b'x'), Turn::next);
    });
    t.when_in(c, (b'0', b'9'), |t| digit(t, c, b'0', 0));
    let lower = t.b.binary_imm(BinOp::Or, c, 0x20);
    t.when_in(lower, (b'a', b'z'), |t| digit(t, lower, b'a', 10));
    t.stop();
}

/// A digit below the base makes the number larger; another ends it.
fn digit(t: &mut Turn, c: Value, from: u8, least: i64) {
    let digit = t.b.add_imm(c, least - i64::from(from));
    let base = t.word(BASE);
    t.when_both(Cond::UGe, digit, base, Turn::stop);
    let n = t.word(NUMBER);
    let n = t.b.binary(BinOp::Mul, n, base);
    let n = t.b.binary(BinOp::Add, n, digit);
    t.set(NUMBER, n);
    t.next();
}
