//! Finding in text: `strchr strrchr strstr index rindex`.
//!
//! Whatever finds nothing where text is wanted gives NULL. Positions count from 0, and are
//! brought into the text as Perl does: `index()` takes one before the start as the start,
//! `rindex()` one after the end as the end.

use super::walk::{Turn, turn, walk, word, words};
use super::{measured, suffix};
use crate::builtins::{
    Call, Context, Operand, ParamKind, ResultType, Subroutine, optional, required,
};
use crate::ir::{BinOp, Cond, FunctionId, Value, Width};

pub(in crate::builtins) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "strchr",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String), required(ParamKind::Integer("char"))],
        doc: "text from the first such character on, or NULL",
        allocates: false,
        lower: |cx, call| character(cx, call, false),
    },
    Subroutine {
        name: "strrchr",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String), required(ParamKind::Integer("char"))],
        doc: "text from the last such character on, or NULL",
        allocates: false,
        lower: |cx, call| character(cx, call, true),
    },
    Subroutine {
        name: "strstr",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String), required(ParamKind::String)],
        doc: "text from where other text first occurs in it, or NULL",
        allocates: false,
        lower: strstr,
    },
    Subroutine {
        name: "index",
        result: ResultType::D("int"),
        params: &[
            required(ParamKind::String),
            required(ParamKind::String),
            optional(ParamKind::Integer("int")),
        ],
        doc: "where other text first occurs in text, not before an index, or -1",
        allocates: false,
        lower: index,
    },
    Subroutine {
        name: "rindex",
        result: ResultType::D("int"),
        params: &[
            required(ParamKind::String),
            required(ParamKind::String),
            optional(ParamKind::Integer("int")),
        ],
        doc: "where other text last occurs in text, not after an index, or -1",
        allocates: false,
        lower: rindex,
    },
];

/// Nothing was found.
const NOWHERE: i64 = -1;

// ------------------------------------------------------------------ characters

/// Words: the character, where it is.
const CHARACTER: usize = 0;
const AT: usize = 1;
const TEXT: usize = 1;

fn character(cx: &mut Context, call: &Call, last: bool) -> Operand {
    let text = cx.text(&call.args[0]);
    let c = cx.scalar(&call.args[1]);
    let c = cx.b.binary_imm(BinOp::And, c, 0xff);
    let (from, _) = measured(cx, &text, call);
    let nowhere = cx.int(NOWHERE);
    let words = words(cx, &[c, nowhere]);
    let turn = if last {
        turn(cx, "strand_strrchr", 2, |t| character_turn(t, true))
    } else {
        turn(cx, "strand_strchr", 2, |t| character_turn(t, false))
    };
    let turns = i64::from(cx.strsize());
    walk(&mut cx.b, turn, turns, &[words, from]);
    let at = word(cx, words, AT);
    suffix(cx, from, at)
}

fn character_turn(t: &mut Turn, last: bool) {
    let (n, wanted) = (t.n, t.word(CHARACTER));
    let c = t.byte(TEXT, n);
    t.when_both(Cond::Eq, c, wanted, |t| {
        t.set(AT, n);
        if !last {
            t.stop();
        }
    });
    t.when(Cond::Eq, c, 0, Turn::stop);
}

// ------------------------------------------------------------------------ text

/// Words of a search, besides [`AT`]: the first or the last position that counts, the one
/// that is being looked at, whether the text is there.
const LIMIT: usize = 0;
const POSITION: usize = 2;
const MATCHES: usize = 3;
/// What is looked for.
const PART: usize = 2;

fn strstr(cx: &mut Context, call: &Call) -> Operand {
    let (from, part, _) = texts(cx, call);
    let start = cx.int(0);
    let at = first(cx, from, part, start);
    suffix(cx, from, at)
}

fn index(cx: &mut Context, call: &Call) -> Operand {
    let (from, part, length) = texts(cx, call);
    let zero = cx.int(0);
    let start = match call.args.get(2) {
        None => zero,
        Some(e) => {
            let start = cx.scalar(e);
            let start = cx.select(Cond::SLt, start, zero, zero, start);
            cx.select(Cond::SGt, start, length, length, start)
        }
    };
    let at = first(cx, from, part, start);
    Operand::Number(at)
}

fn rindex(cx: &mut Context, call: &Call) -> Operand {
    let (from, part, length) = texts(cx, call);
    let end = match call.args.get(2) {
        None => length,
        Some(e) => {
            let end = cx.scalar(e);
            let (zero, nowhere) = (cx.int(0), cx.int(NOWHERE));
            // No text at all is even found before the start, namely there.
            let begin = cx.b.load(Width::W8, false, part, 0);
            let before = cx.select(Cond::Eq, begin, zero, zero, nowhere);
            let end = cx.select(Cond::SLt, end, zero, before, end);
            cx.select(Cond::SGt, end, length, length, end)
        }
    };
    let turn = {
        let compare = compare(cx);
        turn(cx, "strand_rindex", 3, |t| {
            let (n, end) = (t.n, t.word(LIMIT));
            t.when_both(Cond::SGt, n, end, Turn::stop);
            matched(t, compare, n, |t| t.set(AT, n));
        })
    };
    Operand::Number(search(cx, turn, from, part, end))
}

/// Where the text first occurs from `start` on.
fn first(cx: &mut Context, from: Value, part: Value, start: Value) -> Value {
    let compare = compare(cx);
    let turn = turn(cx, "strand_index", 3, |t| {
        let start = t.word(LIMIT);
        let position = t.b.binary(BinOp::Add, t.n, start);
        matched(t, compare, position, |t| {
            t.set(AT, position);
            t.stop();
        });
    });
    search(cx, turn, from, part, start)
}

/// Both texts where the program can read them, and the length of the first.
fn texts(cx: &mut Context, call: &Call) -> (Value, Value, Value) {
    let text = cx.text(&call.args[0]);
    let part = cx.text(&call.args[1]);
    let (from, length) = measured(cx, &text, call);
    let (part, _) = measured(cx, &part, call);
    (from, part, length)
}

fn search(cx: &mut Context, turn: FunctionId, from: Value, part: Value, limit: Value) -> Value {
    let nowhere = cx.int(NOWHERE);
    let words = words(cx, &[limit, nowhere]);
    let turns = i64::from(cx.strsize());
    walk(&mut cx.b, turn, turns, &[words, from, part]);
    word(cx, words, AT)
}

/// Does something if the text is at a position; the walk is over at the end of the other.
fn matched(t: &mut Turn, compare: FunctionId, position: Value, then: impl FnOnce(&mut Turn)) {
    t.set(POSITION, position);
    let begin = t.b.load(Width::W8, false, t.area(PART), 0);
    let here = t.byte(TEXT, position);
    // Most positions are ruled out by their first byte.
    let zero = t.b.iconst(0);
    let nothing = t.b.compare(Cond::Eq, begin, zero);
    let same = t.b.compare(Cond::Eq, begin, here);
    let may_match = t.b.binary(BinOp::Or, nothing, same);
    t.when(Cond::Ne, may_match, 0, |t| {
        t.set_imm(MATCHES, 0);
        let areas = [t.area(0), t.area(TEXT), t.area(PART)];
        let turns = t.room();
        walk(&mut t.b, compare, turns, &areas);
        let matches = t.word(MATCHES);
        t.when(Cond::Ne, matches, 0, then);
    });
    t.when(Cond::Eq, here, 0, Turn::stop);
}

/// Compares a byte of the part with the text at the position.
fn compare(cx: &mut Context) -> FunctionId {
    turn(cx, "strand_occurs", 3, |t| {
        let n = t.n;
        let wanted = t.byte(PART, n);
        t.when(Cond::Eq, wanted, 0, |t| {
            t.set_imm(MATCHES, 1);
            t.stop();
        });
        let position = t.word(POSITION);
        let position = t.b.binary(BinOp::Add, position, n);
        let found = t.byte(TEXT, position);
        t.when_both(Cond::Ne, found, wanted, Turn::stop);
    })
}
