//! The clause's own memory, and copies into it: `alloca`, `bcopy`, `copyin`, `copyinto`.
//!
//! See [`crate::lower`]'s `scratch` for what the memory is and how accesses are checked.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, required};
use crate::ir::{BlockId, Cond, Helper, Value};
use crate::manifest::Fault;
use crate::typed::Expr;
use crate::types::Space;
use strand_grammar::source::Span;

pub(super) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "alloca",
        result: ResultType::Scratch,
        params: &[required(ParamKind::Size)],
        doc: "so many bytes of memory until the end of the clause",
        allocates: true,
        lower: alloca,
    },
    Subroutine {
        name: "bcopy",
        result: ResultType::D("void"),
        params: &[
            required(ParamKind::Source),
            required(ParamKind::Scratch),
            required(ParamKind::Size),
        ],
        doc: "copies bytes from an address to memory of `alloca()`",
        allocates: false,
        lower: bcopy,
    },
    Subroutine {
        name: "copyin",
        result: ResultType::Scratch,
        params: &[required(ParamKind::Address), required(ParamKind::Size)],
        doc: "a copy of so many bytes of user memory",
        allocates: true,
        lower: copyin,
    },
    Subroutine {
        name: "copyinto",
        result: ResultType::D("void"),
        params: &[
            required(ParamKind::Address),
            required(ParamKind::Size),
            required(ParamKind::Scratch),
        ],
        doc: "copies bytes of user memory to memory of `alloca()`",
        allocates: false,
        lower: copyinto,
    },
];

fn alloca(cx: &mut Context, call: &Call) -> Operand {
    let n = cx.scalar(&call.args[0]);
    Operand::Number(cx.allocate(n, call.expr.span))
}

fn copyin(cx: &mut Context, call: &Call) -> Operand {
    let from = cx.address(&call.args[0]);
    let n = cx.scalar(&call.args[1]);
    let span = call.expr.span;
    let address = cx.allocate(n, span);
    let end = skip_if_zero(cx, n);
    let to = cx.scratch_range(address, n, span);
    read(cx, Helper::PROBE_READ_USER, to, n, from, span);
    finish(cx, end);
    Operand::Number(address)
}

fn copyinto(cx: &mut Context, call: &Call) -> Operand {
    let from = cx.address(&call.args[0]);
    let n = cx.scalar(&call.args[1]);
    let to = cx.address(&call.args[2]);
    let span = call.expr.span;
    let end = skip_if_zero(cx, n);
    let to = cx.scratch_range(to, n, span);
    read(cx, Helper::PROBE_READ_USER, to, n, from, span);
    finish(cx, end);
    Operand::Nothing
}

fn bcopy(cx: &mut Context, call: &Call) -> Operand {
    let [source, to, n] = call.args else { return Operand::Nothing };
    let from = cx.expr(source);
    let to = cx.address(to);
    let n = cx.scalar(n);
    let span = call.expr.span;
    let end = skip_if_zero(cx, n);
    let to = cx.scratch_range(to, n, span);
    source_bytes(cx, (source, from), to, n, span);
    finish(cx, end);
    Operand::Nothing
}

/// Copies so many bytes of what a [`ParamKind::Source`] is to memory that has room for them.
pub(super) fn source_bytes(
    cx: &mut Context,
    (source, from): (&Expr, Operand),
    to: Value,
    n: Value,
    span: Span,
) {
    match (from, cx.types().space(source.ty)) {
        (Operand::Text(text), _) => {
            // Text is as long as a string, whatever lies behind it in memory.
            let strsize = cx.strsize();
            let copy = cx.scratch(strsize);
            cx.not_null(&text, span);
            cx.copy_text(copy, 0, strsize, &text, true, span);
            let most = cx.int(i64::from(strsize));
            cx.fault_if(Cond::UGt, n, most, Fault::BadSize, n, span);
            read(cx, Helper::PROBE_READ_KERNEL, to, n, copy, span);
        }
        (from, Space::Scratch) => {
            let from = cx.number(&from);
            let from = cx.scratch_range(from, n, span);
            read(cx, Helper::PROBE_READ_KERNEL, to, n, from, span);
        }
        (from, space) => {
            let helper = match space {
                Space::User => Helper::PROBE_READ_USER,
                _ => Helper::PROBE_READ_KERNEL,
            };
            let from = cx.number(&from);
            read(cx, helper, to, n, from, span);
        }
    }
}

/// Nothing happens, and nothing can be wrong, if no byte is to be copied.
pub(super) fn skip_if_zero(cx: &mut Context, n: Value) -> BlockId {
    let (some, end) = (cx.b.block(&[]), cx.b.block(&[]));
    cx.b.branch_imm(Cond::Eq, n, 0, end, some);
    cx.b.switch_to(some);
    end
}

pub(super) fn finish(cx: &mut Context, end: BlockId) {
    cx.b.jump(end, &[]);
    cx.b.switch_to(end);
}

fn read(cx: &mut Context, helper: Helper, to: Value, n: Value, from: Value, span: Span) {
    let result = cx.helper(helper, &[to, n, from]);
    cx.fault_if_negative(result, Fault::BadAddress, from, span);
}
