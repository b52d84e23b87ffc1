//! String subroutines: `strlen strjoin substr basename`.
//!
//! None of them walks text byte by byte in the program if a helper can: copying text
//! tells its length, and copying to the end of other text joins them.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, optional, required};
use crate::ir::build::Builder;
use crate::ir::{BinOp, Cond, FunctionId, FunctionKind, Helper, Target, Type, Value, Width};
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
    Subroutine {
        name: "basename",
        result: ResultType::D("string"),
        params: &[required(ParamKind::String)],
        doc: "the last part of a path",
        allocates: false,
        lower: basename,
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
    let from = cx.launder(at);
    let from = cx.b.binary(BinOp::Add, from, index);
    cx.helper(Helper::PROBE_READ_KERNEL_STR, &[to, size, from]);
    Operand::Text(Text::Memory(to, strsize as u32))
}

fn basename(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    let strsize = cx.strsize();
    let (from, _) = measured(cx, &text, call);
    // Start and end lie in memory that the verifier doesn't follow: as registers they
    // would make every byte of the path a state of its own.
    let found = cx.scratch(16);
    let n = cx.int(i64::from(strsize));
    let scan = scan_function(cx);
    cx.b.call(scan, &[from, n, found]);
    let start = cx.b.load(Width::W64, false, found, 0);
    let end = cx.b.load(Width::W64, false, found, 8);
    let length = cx.b.binary(BinOp::Sub, end, start);
    let most = cx.int(i64::from(strsize) - 1);
    let length = cx.select(Cond::ULt, length, most, length, most);
    let size = cx.b.add_imm(length, 1);
    let to = cx.scratch(strsize);
    let address = cx.launder(from);
    let address = cx.b.binary(BinOp::Add, address, start);
    cx.helper(Helper::PROBE_READ_KERNEL_STR, &[to, size, address]);
    // No part at all: the path was only slashes, or empty.
    let (none, done) = (cx.b.block(&[]), cx.b.block(&[]));
    let zero = cx.int(0);
    cx.b.branch(Cond::Eq, end, zero, none, done);
    cx.b.switch_to(none);
    let first = cx.b.load(Width::W8, false, from, 0);
    let (slash, dot) = (cx.int(i64::from(b'/')), cx.int(i64::from(b'.')));
    let only = cx.select(Cond::Eq, first, slash, slash, dot);
    cx.b.store(Width::W8, to, 0, only);
    cx.b.store_imm(Width::W8, to, 1, 0);
    cx.b.jump(done, &[]);
    cx.b.switch_to(done);
    Operand::Text(Text::Memory(to, strsize))
}

/// `strand_lastpart(path, n, out)`: start and end of the last run of bytes without `/`;
/// both 0 if there is none.
fn scan_function(cx: &mut Context) -> FunctionId {
    cx.subprogram("strand_lastpart", |name| {
        let params = [Type::Ptr, Type::I64, Type::Ptr];
        let mut b = Builder::new(name, FunctionKind::Subprogram, &params);
        let (path, n, out) = (b.param(0), b.param(1), b.param(2));
        // i, start, end, whether the byte before was a slash
        let head = b.block(&[Type::I64; 4]);
        let zero = b.iconst(0);
        let one = b.iconst(1);
        b.jump(head, &[zero, zero, zero, one]);
        b.switch_to(head);
        let [i, start, end, after] = [0, 1, 2, 3].map(|k| b.block_param(head, k));
        let (body, byte, done) = (b.block(&[]), b.block(&[]), b.block(&[]));
        b.branch(Cond::ULt, i, n, body, done);
        b.switch_to(body);
        let at = b.binary(BinOp::Add, path, i);
        let c = b.load(Width::W8, false, at, 0);
        b.branch_imm(Cond::Ne, c, 0, byte, done);
        b.switch_to(byte);
        let next = b.binary_imm(BinOp::Add, i, 1);
        let (part, begins) = (b.block(&[]), b.block(&[]));
        let one = b.iconst(1);
        let zero = b.iconst(0);
        let to = |block, args: &[Value]| Target { block, args: args.to_vec() };
        let slash = b.iconst(i64::from(b'/'));
        b.branch_with(Cond::Eq, c, slash, to(head, &[next, start, end, one]), to(part, &[]));
        b.switch_to(part);
        b.branch_with(Cond::Eq, after, zero, to(head, &[next, start, next, zero]), to(begins, &[]));
        b.switch_to(begins);
        b.jump(head, &[next, i, next, zero]);
        b.switch_to(done);
        b.store(Width::W64, out, 0, start);
        b.store(Width::W64, out, 8, end);
        let zero = b.iconst(0);
        b.ret(Some(zero));
        b.finish()
    })
}
