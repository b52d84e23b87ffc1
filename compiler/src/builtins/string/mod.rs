//! String subroutines; here `strlen strjoin substr`, and what the others share.
//!
//! None of them walks text byte by byte in the program if a helper can: copying text
//! tells its length, and copying to the end of other text joins them. Those that must look
//! at each byte do so by [`walk`].

pub(super) mod find;
pub(super) mod json;
pub(super) mod letters;
pub(super) mod number;
pub(super) mod path;
pub(super) mod token;
mod walk;

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, optional, required};
use crate::ir::{BinOp, Cond, Helper, Value, Width};
use crate::lower::Text;

pub(super) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "strlen",
        result: ResultType::D("size_t"),
        params: &[required(ParamKind::String)],
        doc: "the length of text",
        allocates: false,
        lower: strlen,
    },
    Subroutine {
        name: "strjoin",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String), required(ParamKind::String)],
        doc: "two texts as one",
        allocates: false,
        lower: strjoin,
    },
    Subroutine {
        name: "substr",
        result: ResultType::D("string"),
        params: &[
            required(ParamKind::String),
            required(ParamKind::Integer("int")),
            optional(ParamKind::Integer("int")),
        ],
        doc: "a part of text, from an index (from the end if negative), so many bytes",
        allocates: false,
        lower: substr,
    },
];

/// The text in memory, and its length as a number that the verifier knows is below
/// `strsize`.
fn measured(cx: &mut Context, text: &Text, call: &Call) -> (Value, Value) {
    let strsize = cx.strsize();
    let at = cx.scratch(strsize);
    let with_nul = cx.copy_text(at, 0, strsize, text, false, call.expr.span);
    let length = cx.b.add_imm(with_nul, -1);
    let most = cx.int(i64::from(strsize));
    let zero = cx.int(0);
    (at, cx.select(Cond::ULt, length, most, length, zero))
}

fn strlen(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    if let Text::Literal(bytes) = &text {
        let most = i64::from(cx.strsize()) - 1;
        return Operand::Number(cx.int((bytes.len() as i64).min(most)));
    }
    Operand::Number(measured(cx, &text, call).1)
}

fn strjoin(cx: &mut Context, call: &Call) -> Operand {
    let first = cx.text(&call.args[0]);
    let second = cx.text(&call.args[1]);
    let strsize = cx.strsize();
    // The second text may begin at the last byte of the first and be as long.
    let at = cx.scratch(2 * strsize);
    let span = call.expr.span;
    let with_nul = cx.copy_text(at, 0, strsize, &first, false, span);
    let length = cx.b.add_imm(with_nul, -1);
    let (most, zero) = (cx.int(i64::from(strsize)), cx.int(0));
    let length = cx.select(Cond::ULt, length, most, length, zero);
    let end = cx.b.binary(BinOp::Add, at, length);
    let second = match second {
        // Stores at an address that varies would have to be aligned.
        Text::Literal(_) => {
            let (from, size) = cx.text_memory(&second, span);
            Text::Memory(from, size)
        }
        other => other,
    };
    cx.copy_text(end, 0, strsize, &second, false, span);
    cx.b.store_imm(Width::W8, at, strsize as i32 - 1, 0);
    Operand::Text(Text::Memory(at, strsize))
}

fn substr(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    let index = cx.scalar(&call.args[1]);
    let strsize = i64::from(cx.strsize());
    let count = match call.args.get(2) {
        Some(e) => cx.scalar(e),
        None => cx.int(strsize),
    };
    let (at, length) = measured(cx, &text, call);
    let zero = cx.int(0);
    // A negative index counts from the end; what lies before the start costs its bytes.
    let from_end = cx.b.binary(BinOp::Add, index, length);
    let index = cx.select(Cond::SLt, index, zero, from_end, index);
    let shortened = cx.b.binary(BinOp::Add, count, index);
    let reaches = cx.select(Cond::SGt, shortened, zero, shortened, zero);
    let before = cx.select(Cond::SGe, count, zero, reaches, zero);
    let count = cx.select(Cond::SLt, index, zero, before, count);
    let index = cx.select(Cond::SLt, index, zero, zero, index);
    // A negative count leaves so many bytes at the end.
    let rest = cx.b.binary(BinOp::Sub, length, index);
    let left = cx.b.binary(BinOp::Add, rest, count);
    let count = cx.select(Cond::SLt, count, zero, left, count);
    let count = cx.select(Cond::SLt, count, rest, count, rest);
    let count = cx.select(Cond::SLt, count, zero, zero, count);
    let most = cx.int(strsize - 1);
    let count = cx.select(Cond::ULt, count, most, count, most);
    let size = cx.b.add_imm(count, 1);
    let to = cx.scratch(strsize as u32);
    let from = byte_at(cx, at, index);
    cx.helper(Helper::PROBE_READ_KERNEL_STR, &[to, size, from]);
    Operand::Text(Text::Memory(to, strsize as u32))
}

/// The address of a byte of text. It stays a pointer, so that the text's memory is free
/// for others when nobody needs it any more.
fn byte_at(cx: &mut Context, text: Value, index: Value) -> Value {
    let (size, zero) = (cx.int(i64::from(cx.strsize())), cx.int(0));
    let index = cx.select(Cond::ULt, index, size, index, zero);
    cx.b.binary(BinOp::Add, text, index)
}

/// Copies the bytes from `start` to before `end` as text.
fn copy_part(cx: &mut Context, to: Value, from: Value, (start, end): (Value, Value)) {
    let strsize = cx.strsize();
    let length = cx.b.binary(BinOp::Sub, end, start);
    let most = cx.int(i64::from(strsize) - 1);
    let length = cx.select(Cond::ULt, length, most, length, most);
    let size = cx.b.add_imm(length, 1);
    let from = byte_at(cx, from, start);
    cx.helper(Helper::PROBE_READ_KERNEL_STR, &[to, size, from]);
}

/// Text from an index on in new memory, or NULL if the index is below 0.
fn suffix(cx: &mut Context, from: Value, index: Value) -> Operand {
    let strsize = cx.strsize();
    let to = cx.scratch(strsize);
    cx.clear(to, 0, 2);
    let (found, done) = (cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::SGe, index, 0, found, done);
    cx.b.switch_to(found);
    let from = byte_at(cx, from, index);
    stored(cx, to, from);
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
    Operand::Text(Text::Stored(to, strsize))
}

/// Copies text of the program's own memory as variables keep it: empty text isn't NULL.
fn stored(cx: &mut Context, to: Value, from: Value) {
    let size = cx.int(i64::from(cx.strsize()));
    let length = cx.helper(Helper::PROBE_READ_KERNEL_STR, &[to, size, from]);
    let (empty, done) = (cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::SLe, length, 1, empty, done);
    cx.b.switch_to(empty);
    cx.b.store_imm(Width::W8, to, 1, 1);
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
}
