//! `json`: one element of a JSON text.
//!
//! First the selector (`disks[2].name`) is split at its punctuation into elements, each
//! with a NUL, an empty one last. Then one walk over the text looks for them. Inside an
//! object or array that an element has led to, everything else is skipped; nothing has to
//! be remembered of what is around it, since if it doesn't hold the next element, nothing
//! does. Strings are given as they are written, without their quotes; objects and arrays
//! as their text.

use super::measured;
use super::walk::{Turn, turn, walk, word, words};
use crate::builtins::{Call, Context, Operand, ParamKind, ResultType, Subroutine, required};
use crate::ir::{BinOp, BlockId, Cond, FunctionId, Value, Width};
use crate::lower::Text;

pub(in crate::builtins) const SUBROUTINES: &[Subroutine] = &[Subroutine {
    name: "json",
    result: ResultType::D("string"),
    params: &[required(ParamKind::String), required(ParamKind::String)],
    doc: "the element of a JSON text that a selector like `disks[2].name` leads to, or NULL",
    allocates: false,
    lower: json,
}];

/// Areas besides the words: the text, the selector's elements, the result.
const TEXT: usize = 1;
const ELEMENTS: usize = 2;
const RESULT: usize = 3;

/// Words.
const STATE: usize = 0;
/// Of the elements, where the wanted one begins.
const ELEMENT: usize = 1;
/// How far a key is the same as the element, or -1 if it isn't.
const SAME: usize = 2;
/// Where the element after it begins.
const NEXT: usize = 3;
/// Whether the value is what the element leads to.
const FOUND: usize = 4;
/// Brackets that are open in a value.
const DEPTH: usize = 5;
/// In an array: the value's index, and the wanted one; this is -1 in an object.
const INDEX: usize = 6;
const WANTED: usize = 7;
/// Bytes of the result.
const END: usize = 8;
/// Whether there is a result.
const DONE: usize = 9;

/// What the walk is in.
mod state {
    pub const VALUE: i64 = 0;
    pub const STRING: i64 = 1;
    pub const STRING_ESCAPE: i64 = 2;
    pub const ATOM: i64 = 3;
    pub const NESTED: i64 = 4;
    pub const NESTED_STRING: i64 = 5;
    pub const NESTED_ESCAPE: i64 = 6;
    pub const AFTER: i64 = 7;
    pub const KEY: i64 = 8;
    pub const KEY_TEXT: i64 = 9;
    pub const KEY_ESCAPE: i64 = 10;
    pub const COLON: i64 = 11;
}

fn json(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    let selector = cx.text(&call.args[1]);
    let (text, _) = measured(cx, &text, call);
    let (selector, _) = measured(cx, &selector, call);
    let strsize = cx.strsize();
    let turns = i64::from(strsize);
    let (elements, result) = (cx.scratch(strsize), cx.scratch(strsize));
    let (zero, one, last) = (cx.int(0), cx.int(1), cx.int(1));
    let split_words = words(cx, &[zero, last]);
    let split = split_turn(cx);
    walk(&mut cx.b, split, turns, &[split_words, selector, elements]);
    // The text itself is what no element leads to, and the first is to be looked for in it.
    let words = words(cx, &[zero, zero, zero, zero, one, zero, zero, zero, zero, zero]);
    let index = index_turn(cx);
    let turn = turn(cx, "strand_json", 4, |t| json_turn(t, index));
    walk(&mut cx.b, turn, turns, &[words, text, elements, result]);
    let done = word(cx, words, DONE);
    let (missing, over) = (cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::Eq, done, 0, missing, over);
    cx.b.switch_to(missing);
    cx.clear(result, 0, 2);
    cx.b.jump(over, &[]);
    cx.b.switch_to(over);
    Operand::Text(Text::Stored(result, strsize))
}

// ---------------------------------------------------------------- the selector

/// Words of the split: bytes of the elements, whether an element is just complete.
const LENGTH: usize = 0;
const COMPLETE: usize = 1;
const SELECTOR: usize = 1;

fn split_turn(cx: &mut Context) -> FunctionId {
    turn(cx, "strand_json_split", 3, |t| {
        let n = t.n;
        let c = t.byte(SELECTOR, n);
        let complete = t.word(COMPLETE);
        let zero = t.b.iconst(0);
        t.when(Cond::Eq, c, 0, |t| {
            t.when(Cond::Eq, complete, 0, |t| t.append(ELEMENTS, LENGTH, zero));
            t.append(ELEMENTS, LENGTH, zero);
            t.stop();
        });
        for separator in *b".[]" {
            t.when(Cond::Eq, c, i64::from(separator), |t| {
                t.when(Cond::Eq, complete, 0, |t| t.append(ELEMENTS, LENGTH, zero));
                t.set_imm(COMPLETE, 1);
                t.next();
            });
        }
        t.set_imm(COMPLETE, 0);
        t.append(ELEMENTS, LENGTH, c);
    })
}

/// Reads one digit of an element that is an index.
fn index_turn(cx: &mut Context) -> FunctionId {
    turn(cx, "strand_json_index", 4, |t| {
        let at = t.word(NEXT);
        t.add(NEXT, 1);
        let c = t.byte(ELEMENTS, at);
        t.when(Cond::Eq, c, 0, Turn::stop);
        t.when_in(c, (b'0', b'9'), |t| {
            let before = t.word(WANTED);
            let ten = t.b.iconst(10);
            let wanted = t.b.binary(BinOp::Mul, before, ten);
            let wanted = t.b.binary(BinOp::Add, wanted, c);
            let wanted = t.b.add_imm(wanted, -i64::from(b'0'));
            t.set(WANTED, wanted);
            t.next();
        });
        // Not an index: no value has this one.
        t.set_imm(WANTED, i64::MAX);
        t.stop();
    })
}

// -------------------------------------------------------------------- the text

fn json_turn(t: &mut Turn, index: FunctionId) {
    let n = t.n;
    let c = t.byte(TEXT, n);
    let at = t.word(STATE);
    let atom = t.b.block(&[]);
    let in_state = |t: &mut Turn, state: i64, then: &dyn Fn(&mut Turn)| {
        t.when(Cond::Eq, at, state, |t| {
            then(t);
            t.next();
        });
    };
    // Only an atom may end with the text.
    let not_over = t.b.block(&[]);
    t.b.branch_imm(Cond::Eq, at, state::ATOM, atom, not_over);
    t.b.switch_to(not_over);
    t.when(Cond::Eq, c, 0, Turn::stop);
    in_state(t, state::STRING, &|t| {
        t.when(Cond::Eq, c, i64::from(b'"'), end_of_value);
        t.when(Cond::Eq, c, i64::from(b'\\'), |t| t.set_imm(STATE, state::STRING_ESCAPE));
        collect(t, c);
    });
    in_state(t, state::STRING_ESCAPE, &|t| {
        t.set_imm(STATE, state::STRING);
        collect(t, c);
    });
    in_state(t, state::NESTED, &|t| nested(t, c));
    in_state(t, state::NESTED_STRING, &|t| {
        t.when(Cond::Eq, c, i64::from(b'"'), |t| t.set_imm(STATE, state::NESTED));
        t.when(Cond::Eq, c, i64::from(b'\\'), |t| t.set_imm(STATE, state::NESTED_ESCAPE));
        collect(t, c);
    });
    in_state(t, state::NESTED_ESCAPE, &|t| {
        t.set_imm(STATE, state::NESTED_STRING);
        collect(t, c);
    });
    in_state(t, state::KEY_TEXT, &|t| key_text(t, c));
    in_state(t, state::KEY_ESCAPE, &|t| {
        t.set_imm(STATE, state::KEY_TEXT);
        same(t, c);
    });
    // What follows may have white space before it.
    t.when(Cond::Eq, c, i64::from(b' '), Turn::next);
    t.when_in(c, (b'\t', b'\r'), Turn::next);
    in_state(t, state::AFTER, &|t| after(t, c));
    in_state(t, state::KEY, &|t| {
        t.when(Cond::Ne, c, i64::from(b'"'), Turn::stop);
        let element = t.word(ELEMENT);
        t.set(SAME, element);
        t.set_imm(STATE, state::KEY_TEXT);
    });
    in_state(t, state::COLON, &|t| {
        t.when(Cond::Ne, c, i64::from(b':'), Turn::stop);
        t.set_imm(STATE, state::VALUE);
    });
    value(t, c, index);
    t.next();
    in_atom(t, c, atom);
}

/// Takes a byte into the result, if it is part of the value that is looked for.
fn collect(t: &mut Turn, c: Value) {
    let found = t.word(FOUND);
    t.when(Cond::Ne, found, 0, |t| t.append(RESULT, END, c));
}

/// The value is complete: so is the search, if it was for this one.
fn end_of_value(t: &mut Turn) {
    let found = t.word(FOUND);
    t.set_imm(STATE, state::AFTER);
    t.when(Cond::Eq, found, 0, Turn::next);
    let end = t.word(END);
    let zero = t.b.iconst(0);
    t.put(RESULT, end, zero);
    // Empty text isn't NULL.
    t.when(Cond::Eq, end, 0, |t| t.b.store_imm(Width::W8, t.area(RESULT), 1, 1));
    t.set_imm(DONE, 1);
    t.stop();
}

/// A value begins.
fn value(t: &mut Turn, c: Value, index: FunctionId) {
    let found = t.word(FOUND);
    t.when(Cond::Ne, found, 0, |t| {
        let next = t.word(NEXT);
        let more = t.byte(ELEMENTS, next);
        t.when(Cond::Ne, more, 0, |t| {
            t.set_imm(FOUND, 0);
            t.set(ELEMENT, next);
            t.when(Cond::Eq, c, i64::from(b'{'), |t| {
                t.set_imm(WANTED, -1);
                t.set_imm(STATE, state::KEY);
                t.next();
            });
            t.when(Cond::Ne, c, i64::from(b'['), Turn::stop);
            t.set_imm(INDEX, 0);
            t.set_imm(WANTED, 0);
            let areas = [t.area(0), t.area(TEXT), t.area(ELEMENTS), t.area(RESULT)];
            let turns = t.room();
            walk(&mut t.b, index, turns, &areas);
            let wanted = t.word(WANTED);
            t.when(Cond::Eq, wanted, 0, |t| t.set_imm(FOUND, 1));
            t.next();
        });
    });
    t.when(Cond::Eq, c, i64::from(b'"'), |t| {
        t.set_imm(STATE, state::STRING);
        t.next();
    });
    for open in *b"{[" {
        t.when(Cond::Eq, c, i64::from(open), |t| {
            t.set_imm(DEPTH, 1);
            t.set_imm(STATE, state::NESTED);
            collect(t, c);
            t.next();
        });
    }
    for range in [(b'-', b'-'), (b'0', b'9'), (b'a', b'z')] {
        t.when_in(c, range, |t| {
            t.set_imm(STATE, state::ATOM);
            collect(t, c);
            t.next();
        });
    }
    t.stop();
}

/// In an object or array whose text is taken or skipped.
fn nested(t: &mut Turn, c: Value) {
    collect(t, c);
    t.when(Cond::Eq, c, i64::from(b'"'), |t| t.set_imm(STATE, state::NESTED_STRING));
    for open in *b"{[" {
        t.when(Cond::Eq, c, i64::from(open), |t| t.add(DEPTH, 1));
    }
    for close in *b"}]" {
        t.when(Cond::Eq, c, i64::from(close), |t| {
            t.add(DEPTH, -1);
            let depth = t.word(DEPTH);
            t.when(Cond::Eq, depth, 0, end_of_value);
        });
    }
}

/// After a value of the object or array that is searched.
fn after(t: &mut Turn, c: Value) {
    t.when(Cond::Ne, c, i64::from(b','), Turn::stop);
    let wanted = t.word(WANTED);
    t.set_imm(STATE, state::KEY);
    t.when(Cond::SLt, wanted, 0, Turn::next);
    t.set_imm(STATE, state::VALUE);
    t.add(INDEX, 1);
    let index = t.word(INDEX);
    t.when_both(Cond::Eq, index, wanted, |t| t.set_imm(FOUND, 1));
}

fn key_text(t: &mut Turn, c: Value) {
    t.when(Cond::Eq, c, i64::from(b'"'), |t| {
        t.set_imm(STATE, state::COLON);
        let end = t.word(SAME);
        t.when(Cond::SLt, end, 0, Turn::next);
        let rest = t.byte(ELEMENTS, end);
        t.when(Cond::Ne, rest, 0, Turn::next);
        t.set_imm(FOUND, 1);
        let next = t.b.add_imm(end, 1);
        t.set(NEXT, next);
        t.next();
    });
    t.when(Cond::Eq, c, i64::from(b'\\'), |t| t.set_imm(STATE, state::KEY_ESCAPE));
    same(t, c);
}

/// Compares a byte of a key with the element.
fn same(t: &mut Turn, c: Value) {
    let at = t.word(SAME);
    t.when(Cond::SLt, at, 0, Turn::next);
    let wanted = t.byte(ELEMENTS, at);
    t.when_both(Cond::Ne, c, wanted, |t| {
        t.set_imm(SAME, -1);
        t.next();
    });
    t.add(SAME, 1);
}

/// A number, `true`, `false` or `null`, which ends before what can't be part of it.
fn in_atom(t: &mut Turn, c: Value, atom: BlockId) {
    t.b.switch_to(atom);
    for range in [(b'0', b'9'), (b'a', b'z'), (b'E', b'E'), (b'+', b'+'), (b'-', b'.')] {
        t.when_in(c, range, |t| {
            collect(t, c);
            t.next();
        });
    }
    let found = t.word(FOUND);
    t.when(Cond::Ne, found, 0, end_of_value);
    t.set_imm(STATE, state::AFTER);
    t.when(Cond::Eq, c, i64::from(b' '), Turn::next);
    t.when_in(c, (b'\t', b'\r'), Turn::next);
    after(t, c);
}
