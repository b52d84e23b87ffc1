//! User memory: `copyin`, `copyinstr`.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, optional, required};
use crate::ir::{Cond, Helper};
use crate::lower::Text;
use crate::manifest::Fault;
use crate::typed::ExprKind;

pub(super) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "copyin",
        result: ResultType::D("void *"),
        params: &[required(ParamKind::Address), required(ParamKind::Integer("size_t"))],
        doc: "a copy of so many bytes of user memory",
        lower: copyin,
    },
    Subroutine {
        name: "copyinstr",
        result: ResultType::D("string"),
        params: &[required(ParamKind::Address), optional(ParamKind::Integer("size_t"))],
        doc: "the text at a user address, at most so many bytes",
        lower: copyinstr,
    },
];

/// Most bytes that `copyin` can take when the size is not a constant.
const SCRATCH: u32 = 4096;

fn copyin(cx: &mut Context, call: &Call) -> Operand {
    let address = cx.expr(&call.args[0]);
    let address = cx.number(&address);
    let span = call.expr.span;
    let (at, size) = match call.args[1].kind {
        ExprKind::Int(n) if (1..=i64::from(SCRATCH)).contains(&n) => {
            (cx.scratch(n as u32), cx.int(n))
        }
        _ => {
            let n = cx.scalar(&call.args[1]);
            let most = cx.int(i64::from(SCRATCH));
            cx.fault_if(Cond::UGt, n, most, Fault::NoScratch, n, span);
            (cx.scratch(SCRATCH), n)
        }
    };
    let result = cx.helper(Helper::PROBE_READ_USER, &[at, size, address]);
    cx.fault_if_negative(result, Fault::BadAddress, address, span);
    Operand::Number(cx.launder(at))
}

fn copyinstr(cx: &mut Context, call: &Call) -> Operand {
    let address = cx.expr(&call.args[0]);
    let address = cx.number(&address);
    let strsize = cx.strsize();
    match call.args.get(1).map(|e| (&e.kind, e)) {
        None => Operand::Text(Text::User(address, None)),
        Some((ExprKind::Int(n), _)) if (0..i64::from(strsize)).contains(n) => {
            Operand::Text(Text::User(address, Some(*n as u32)))
        }
        Some((_, size)) => {
            // So many bytes and a NUL, as far as a string can hold them.
            let n = cx.scalar(size);
            let most = cx.int(i64::from(strsize) - 1);
            let n = cx.select(Cond::ULt, n, most, n, most);
            let n = cx.b.add_imm(n, 1);
            let at = cx.scratch(strsize);
            let result = cx.helper(Helper::PROBE_READ_USER_STR, &[at, n, address]);
            cx.fault_if_negative(result, Fault::BadAddress, address, call.expr.span);
            Operand::Text(Text::Memory(at, strsize))
        }
    }
}
