//! User memory: text from it by `copyinstr`, bytes and text into it by `copyout` and
//! `copyoutstr`.

use super::scratch::{finish, skip_if_zero, source_bytes};
use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, optional, required};
use crate::ir::{BinOp, Cond, Helper, Value};
use crate::lower::Text;
use crate::manifest::Fault;
use crate::typed::ExprKind;
use crate::types::Space;

pub(super) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "copyinstr",
        result: ResultType::D("string"),
        params: &[required(ParamKind::Address), optional(ParamKind::Integer("size_t"))],
        doc: "the text at a user address, at most so many bytes with its NUL",
        allocates: false,
        lower: copyinstr,
    },
    Subroutine {
        name: "copyout",
        result: ResultType::D("void"),
        params: &[
            required(ParamKind::Source),
            required(ParamKind::Address),
            required(ParamKind::Size),
        ],
        doc: "copies so many bytes to a user address (destructive)",
        allocates: false,
        lower: copyout,
    },
    Subroutine {
        name: "copyoutstr",
        result: ResultType::D("void"),
        params: &[
            required(ParamKind::String),
            required(ParamKind::Address),
            required(ParamKind::Size),
        ],
        doc: "copies text to a user address, at most so many bytes with its NUL (destructive)",
        allocates: false,
        lower: copyoutstr,
    },
];

fn copyinstr(cx: &mut Context, call: &Call) -> Operand {
    let address = cx.expr(&call.args[0]);
    let address = cx.number(&address);
    let strsize = cx.strsize();
    match call.args.get(1).map(|e| (&e.kind, e)) {
        None => Operand::Text(Text::User(address, None)),
        // The NUL is one of these bytes.
        Some((ExprKind::Int(n), _)) if (0..i64::from(strsize)).contains(n) => {
            Operand::Text(Text::User(address, Some((*n as u32).saturating_sub(1))))
        }
        Some((_, size)) => {
            // No more than `strsize`; without any, there is still the NUL.
            let n = cx.scalar(size);
            let (most, none) = (cx.int(i64::from(strsize) - 1), cx.int(0));
            let n = cx.select(Cond::ULt, n, most, n, most);
            let one = cx.int(1);
            let n = cx.select(Cond::Eq, n, none, one, n);
            let at = cx.scratch(strsize);
            let result = cx.helper(Helper::PROBE_READ_USER_STR, &[at, n, address]);
            cx.fault_if_negative(result, Fault::BadAddress, address, call.expr.span);
            Operand::Text(Text::Memory(at, strsize))
        }
    }
}

fn copyout(cx: &mut Context, call: &Call) -> Operand {
    let [source, to, n] = call.args else { return Operand::Nothing };
    let from = cx.expr(source);
    let to = cx.address(to);
    let n = cx.scalar(n);
    let span = call.expr.span;
    let end = skip_if_zero(cx, n);
    let room = cx.copy_room();
    let most = cx.int(i64::from(room));
    cx.fault_if(Cond::UGt, n, most, Fault::BadSize, n, span);
    if cx.types().space(source.ty) == Space::Scratch {
        let address = cx.number(&from);
        cx.scratch_range(address, n, span);
    }
    let copy = cx.scratch(room);
    source_bytes(cx, (source, from), copy, n, span);
    write(cx, to, copy, n, call);
    finish(cx, end);
    Operand::Nothing
}

fn copyoutstr(cx: &mut Context, call: &Call) -> Operand {
    let text = cx.text(&call.args[0]);
    let to = cx.address(&call.args[1]);
    let n = cx.scalar(&call.args[2]);
    let span = call.expr.span;
    let room = cx.copy_room();
    let copy = cx.scratch(room);
    let strsize = cx.strsize();
    let length = cx.copy_text(copy, 0, strsize, &text, false, span);
    let n = cx.select(Cond::ULt, n, length, n, length);
    let end = skip_if_zero(cx, n);
    write(cx, to, copy, n, call);
    finish(cx, end);
    Operand::Nothing
}

/// Writes so many bytes, which are not more than [`Context::copy_room`], to user memory.
fn write(cx: &mut Context, to: Value, from: Value, n: Value, call: &Call) {
    // Always so; said again in a way that every verifier understands.
    let last = cx.b.add_imm(n, -1);
    let last = cx.b.binary_imm(BinOp::And, last, i64::from(cx.copy_room()) - 1);
    let n = cx.b.add_imm(last, 1);
    let result = cx.helper(Helper::PROBE_WRITE_USER, &[to, from, n]);
    cx.fault_if_negative(result, Fault::BadAddress, to, call.expr.span);
}

impl Context<'_, '_> {
    /// The most bytes that are copied to user memory at a time: a string or all that
    /// `alloca()` can give, as a power of two.
    fn copy_room(&self) -> u32 {
        self.strsize().max(self.scratch_size()).next_power_of_two()
    }
}
