//! Text in user memory: `copyinstr`.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, optional, required};
use crate::ir::{Cond, Helper};
use crate::lower::Text;
use crate::manifest::Fault;
use crate::typed::ExprKind;

pub(super) const SUBROUTINES: &[Subroutine] = &[Subroutine {
    name: "copyinstr",
    result: ResultType::D("string"),
    params: &[required(ParamKind::Address), optional(ParamKind::Integer("size_t"))],
    doc: "the text at a user address, at most so many bytes",
    allocates: false,
    lower: copyinstr,
}];

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
