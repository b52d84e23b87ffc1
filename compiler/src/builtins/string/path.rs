//! Paths as text: `basename dirname cleanpath`.

use super::walk::{Turn, turn, walk, word, words};
use super::{copy_part, measured};
use crate::builtins::{Call, Context, Operand, ParamKind, ResultType, Subroutine, required};
use crate::ir::{BinOp, Cond, FunctionId, Value, Width};
use crate::lower::Text;

pub(in crate::builtins) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "basename",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String)],
        doc: "the last part of a path",
        allocates: false,
        lower: basename,
    },
    Subroutine {
        name: "dirname",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String)],
        doc: "a path without its last part",
        allocates: false,
        lower: dirname,
    },
    Subroutine {
        name: "cleanpath",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String)],
        doc: "a path without `.`, `..` and needless slashes, as far as text tells",
        allocates: false,
        lower: cleanpath,
    },
];

const PATH: usize = 1;
const SLASH: i64 = b'/' as i64;
const DOT: i64 = b'.' as i64;

// ----------------------------------------------------------- the last two parts

/// Words: start and end of the last part (both 0 if there is none), the slashes after it,
/// the end of what is before it (-1 if nothing is), whether the last byte was a slash.
mod part {
    pub const START: usize = 0;
    pub const END: usize = 1;
    pub const SLASHES: usize = 2;
    pub const DIRECTORY: usize = 3;
    pub const AFTER: usize = 4;
}

fn parts(cx: &mut Context, path: Value) -> Value {
    let turn = turn(cx, "strand_path_part", 2, |t| {
        let n = t.n;
        let c = t.byte(PATH, n);
        t.when(Cond::Eq, c, 0, Turn::stop);
        let after = t.word(part::AFTER);
        t.when(Cond::Eq, c, SLASH, |t| {
            t.when(Cond::Eq, after, 0, |t| t.set(part::SLASHES, n));
            t.set_imm(part::AFTER, 1);
            t.next();
        });
        t.when(Cond::Ne, after, 0, |t| {
            t.set(part::START, n);
            t.set_imm(part::AFTER, 0);
            t.when(Cond::Ne, n, 0, |t| {
                let slashes = t.word(part::SLASHES);
                t.set(part::DIRECTORY, slashes);
            });
        });
        let end = t.b.add_imm(n, 1);
        t.set(part::END, end);
    });
    let (zero, one, none) = (cx.int(0), cx.int(1), cx.int(-1));
    let words = words(cx, &[zero, zero, zero, none, one]);
    let turns = i64::from(cx.strsize());
    walk(&mut cx.b, turn, turns, &[words, path]);
    words
}

fn basename(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    let (path, _) = measured(cx, &text, call);
    let words = parts(cx, path);
    let start = word(cx, words, part::START);
    let end = word(cx, words, part::END);
    let to = cx.scratch(cx.strsize());
    copy_part(cx, to, path, (start, end));
    no_part(cx, path, to, end);
    Operand::Text(Text::Memory(to, cx.strsize()))
}

fn dirname(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    let (path, _) = measured(cx, &text, call);
    let words = parts(cx, path);
    let directory = word(cx, words, part::DIRECTORY);
    let zero = cx.int(0);
    let known = cx.select(Cond::SGt, directory, zero, directory, zero);
    let to = cx.scratch(cx.strsize());
    copy_part(cx, to, path, (zero, known));
    // What is before the last part is the root, or nothing.
    let (short, done) = (cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::SGt, directory, 0, done, short);
    cx.b.switch_to(short);
    single(cx, to, directory);
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
    let end = word(cx, words, part::END);
    no_part(cx, path, to, end);
    Operand::Text(Text::Memory(to, cx.strsize()))
}

/// The path was only slashes, or empty.
fn no_part(cx: &mut Context, path: Value, to: Value, end: Value) {
    let (none, done) = (cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::Eq, end, 0, none, done);
    cx.b.switch_to(none);
    let first = cx.b.load(Width::W8, false, path, 0);
    let slash = cx.int(SLASH);
    let other = cx.b.compare(Cond::Ne, first, slash);
    single(cx, to, other);
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
}

/// `/` for 0, else `.`.
fn single(cx: &mut Context, to: Value, which: Value) {
    let (zero, slash, dot) = (cx.int(0), cx.int(SLASH), cx.int(DOT));
    let only = cx.select(Cond::Eq, which, zero, slash, dot);
    cx.b.store(Width::W8, to, 0, only);
    cx.b.store_imm(Width::W8, to, 1, 0);
}

// ------------------------------------------------------------------- cleanpath

/// Words: bytes of the result; 1 if the path begins at the root; what `..` can't take
/// back; where the current part began, with its slash; its bytes, and how many are dots.
mod clean {
    pub const END: usize = 0;
    pub const ROOT: usize = 1;
    pub const FLOOR: usize = 2;
    pub const BEFORE: usize = 3;
    pub const LENGTH: usize = 4;
    pub const DOTS: usize = 5;
}
const RESULT: usize = 2;

fn cleanpath(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    let (path, _) = measured(cx, &text, call);
    let strsize = cx.strsize();
    let to = cx.scratch(strsize);
    let first = cx.b.load(Width::W8, false, path, 0);
    cx.b.store(Width::W8, to, 0, first);
    let (slash, zero) = (cx.int(SLASH), cx.int(0));
    let root = cx.b.compare(Cond::Eq, first, slash);
    let words = words(cx, &[root, root, root, zero, zero, zero]);
    let back = back_turn(cx);
    let turn = clean_turn(cx, back);
    walk(&mut cx.b, turn, i64::from(strsize), &[words, path, to]);
    let end = word(cx, words, clean::END);
    let most = cx.int(i64::from(strsize) - 1);
    let end = cx.select(Cond::ULt, end, most, end, most);
    let last = cx.b.binary(BinOp::Add, to, end);
    cx.b.store_imm(Width::W8, last, 0, 0);
    // All of it cancelled out: here.
    let (gone, done, here) = (cx.b.block(&[]), cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::Eq, end, 0, gone, done);
    cx.b.switch_to(gone);
    cx.b.branch_imm(Cond::Eq, first, 0, done, here);
    cx.b.switch_to(here);
    let one = cx.int(1);
    single(cx, to, one);
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
    Operand::Text(Text::Memory(to, strsize))
}

fn clean_turn(cx: &mut Context, back: FunctionId) -> FunctionId {
    turn(cx, "strand_cleanpath", 3, |t| {
        let n = t.n;
        let c = t.byte(PATH, n);
        let length = t.word(clean::LENGTH);
        t.when(Cond::Eq, c, 0, |t| {
            end_part(t, back, length);
            t.stop();
        });
        t.when(Cond::Eq, c, SLASH, |t| {
            end_part(t, back, length);
            t.next();
        });
        t.when(Cond::Eq, length, 0, |t| {
            let (end, root) = (t.word(clean::END), t.word(clean::ROOT));
            t.set(clean::BEFORE, end);
            t.set_imm(clean::DOTS, 0);
            t.when_both(Cond::Ne, end, root, |t| {
                let slash = t.b.iconst(SLASH);
                t.append(RESULT, clean::END, slash);
            });
        });
        t.append(RESULT, clean::END, c);
        t.add(clean::LENGTH, 1);
        t.when(Cond::Eq, c, DOT, |t| t.add(clean::DOTS, 1));
    })
}

/// The part that ends here may be `.` or `..`.
fn end_part(t: &mut Turn, back: FunctionId, length: Value) {
    t.set_imm(clean::LENGTH, 0);
    let dots = t.word(clean::DOTS);
    let before = t.word(clean::BEFORE);
    t.when_both(Cond::Eq, dots, length, |t| {
        t.when(Cond::Eq, length, 1, |t| t.set(clean::END, before));
        t.when(Cond::Eq, length, 2, |t| {
            let (floor, root) = (t.word(clean::FLOOR), t.word(clean::ROOT));
            let (up, stay, done) = (t.b.block(&[]), t.b.block(&[]), t.b.block(&[]));
            t.b.branch(Cond::UGt, before, floor, up, stay);
            t.b.switch_to(up);
            t.set(clean::END, before);
            let areas = [t.area(0), t.area(PATH), t.area(RESULT)];
            let turns = t.room();
            walk(&mut t.b, back, turns, &areas);
            t.b.jump(done, &[]);
            t.b.switch_to(stay);
            t.when(Cond::Ne, root, 0, |t| t.set(clean::END, before));
            t.when(Cond::Eq, root, 0, |t| {
                let end = t.word(clean::END);
                t.set(clean::FLOOR, end);
            });
            t.b.jump(done, &[]);
            t.b.switch_to(done);
        });
    });
}

/// Takes back one byte of the result, up to the slash before its last part.
fn back_turn(cx: &mut Context) -> FunctionId {
    turn(cx, "strand_cleanpath_back", 3, |t| {
        t.add(clean::END, -1);
        let (end, floor) = (t.word(clean::END), t.word(clean::FLOOR));
        t.when_both(Cond::ULe, end, floor, Turn::stop);
        let c = t.byte(RESULT, end);
        t.when(Cond::Eq, c, SLASH, Turn::stop);
    })
}
