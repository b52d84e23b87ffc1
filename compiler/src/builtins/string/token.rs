//! `strtok`: text in pieces, one at each call.
//!
//! What is left of the text is kept in a thread-local of the subroutine's own, so that
//! threads, and the clauses of one thread, go through their texts as C programs do.

use super::walk::{Turn, turn, walk, word};
use super::{byte_at, copy_part, stored};
use crate::builtins::{Call, Context, Operand, ParamKind, ResultType, Subroutine, required};
use crate::ir::{BinOp, Cond, FunctionId, Value, Width};
use crate::lower::Text;
use crate::typed::{ExprKind, Target, VariableId};

pub(in crate::builtins) const SUBROUTINES: &[Subroutine] = &[Subroutine {
    name: "strtok",
    result: ResultType::D("string"),
    params: &[
        required(ParamKind::String),
        required(ParamKind::String),
        required(ParamKind::Kept("string")),
    ],
    doc: "the next piece of text between characters of other text, or NULL; \
          NULL goes on with the text of the thread's last call",
    allocates: false,
    lower: strtok,
}];

/// Words: start of the piece (-1 before it is found) and its end. The table follows: for
/// each character whether it separates.
const START: usize = 0;
const END: usize = 1;
const TABLE: i64 = 64;
const CHARACTERS: u32 = 256;
const TEXT: usize = 1;

fn strtok(cx: &mut Context, call: &Call) -> Operand {
    let [text, separators, kept] = call.args else { return Operand::Nothing };
    let ExprKind::Variable(kept) = kept.kind else { return Operand::Nothing };
    let span = call.expr.span;
    let strsize = cx.strsize();
    let text = cx.text(text);
    let separators = cx.text(separators);
    cx.not_null(&separators, span);
    // The result; NULL as long as nothing is found.
    let result = cx.scratch(strsize);
    cx.clear(result, 0, 2);
    let done = cx.b.block(&[]);
    let copy = source(cx, &text, kept, call, done);
    let (list, _) = super::measured(cx, &separators, call);
    let words = cx.scratch(TABLE as u32 + CHARACTERS);
    cx.clear(words, TABLE as u32, CHARACTERS);
    let none = cx.int(-1);
    cx.b.store(Width::W64, words, 8 * START as i32, none);
    cx.b.store_imm(Width::W64, words, 8 * END as i32, 0);
    let turns = i64::from(strsize);
    let mark = mark_turn(cx);
    walk(&mut cx.b, mark, turns, &[words, list]);
    let piece = piece_turn(cx);
    walk(&mut cx.b, piece, turns, &[words, copy]);
    let (start, end) = (word(cx, words, START), word(cx, words, END));
    keep_rest(cx, copy, (start, end), kept, call);
    let (found, nothing) = (cx.b.block(&[]), done);
    cx.b.branch_imm(Cond::SGe, start, 0, found, nothing);
    cx.b.switch_to(found);
    copy_part(cx, result, copy, (start, end));
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
    Operand::Text(Text::Stored(result, strsize))
}

/// A copy of the text, or, for `NULL` as written, of what the thread has kept; goes to
/// `none` if there isn't any. Text that turns out to be NULL is a fault.
fn source(
    cx: &mut Context,
    text: &Text,
    kept: VariableId,
    call: &Call,
    none: crate::ir::BlockId,
) -> Value {
    let strsize = cx.strsize();
    let copy = cx.scratch(strsize);
    let text = match text {
        Text::Null => {
            let Operand::Text(rest) = cx.variable(kept) else { return copy };
            let there = cx.b.block(&[]);
            let is_set = cx.text_is_set(&rest);
            cx.b.branch_imm(Cond::Ne, is_set, 0, there, none);
            cx.b.switch_to(there);
            rest
        }
        text => text.clone(),
    };
    cx.copy_text(copy, 0, strsize, &text, false, call.expr.span);
    copy
}

/// Keeps what comes after the piece, its separator included (the next call may have
/// others), or NULL at the end of the text.
fn keep_rest(
    cx: &mut Context,
    copy: Value,
    (start, end): (Value, Value),
    kept: VariableId,
    call: &Call,
) {
    let strsize = cx.strsize();
    let rest = cx.scratch(strsize);
    cx.clear(rest, 0, 2);
    let (some, inside, more, done) =
        (cx.b.block(&[]), cx.b.block(&[]), cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::SGe, start, 0, some, done);
    cx.b.switch_to(some);
    cx.b.branch_imm(Cond::ULt, end, i64::from(strsize) - 1, inside, done);
    cx.b.switch_to(inside);
    let at = cx.b.binary(BinOp::Add, copy, end);
    let separator = cx.b.load(Width::W8, false, at, 0);
    cx.b.branch_imm(Cond::Ne, separator, 0, more, done);
    cx.b.switch_to(more);
    let from = byte_at(cx, copy, end);
    stored(cx, rest, from);
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
    let rest = Operand::Text(Text::Stored(rest, strsize));
    cx.assign(&Target::Variable(kept), &rest, false, call.expr.span);
}

/// Notes one separator in the table.
fn mark_turn(cx: &mut Context) -> FunctionId {
    turn(cx, "strand_strtok_mark", 2, |t| {
        let n = t.n;
        let c = t.byte(TEXT, n);
        t.when(Cond::Eq, c, 0, Turn::stop);
        let at = t.b.binary(BinOp::Add, t.area(0), c);
        t.b.store_imm(Width::W8, at, TABLE as i32, 1);
    })
}

/// Looks at one byte of the text.
fn piece_turn(cx: &mut Context) -> FunctionId {
    turn(cx, "strand_strtok", 2, |t| {
        let n = t.n;
        let c = t.byte(TEXT, n);
        t.set(END, n);
        t.when(Cond::Eq, c, 0, Turn::stop);
        let at = t.b.binary(BinOp::Add, t.area(0), c);
        let separates = t.b.load(Width::W8, false, at, TABLE as i32);
        let start = t.word(START);
        t.when(Cond::SLt, start, 0, |t| {
            t.when(Cond::Eq, separates, 0, |t| t.set(START, n));
            t.next();
        });
        t.when(Cond::Ne, separates, 0, Turn::stop);
    })
}
