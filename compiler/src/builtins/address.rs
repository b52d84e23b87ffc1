//! Addresses shown as symbols: `sym func mod`, `usym ufunc umod uaddr`.
//!
//! The program only records the address (and whose it is); the runtime finds the name.

use super::{Call, Context, Operand, Param, ParamKind, ResultType, Subroutine, required};
use crate::manifest::SymbolKind;

const ONE_ADDRESS: &[Param] = &[required(ParamKind::Address)];

pub(super) const SUBROUTINES: &[Subroutine] = &[
    kernel("sym", SymbolKind::Symbol, "the kernel symbol at an address"),
    kernel("func", SymbolKind::Function, "the kernel function at an address"),
    kernel("mod", SymbolKind::Module, "the kernel module at an address"),
    user("usym", SymbolKind::Symbol, "the symbol at a user address"),
    user("ufunc", SymbolKind::Function, "the function at a user address"),
    user("umod", SymbolKind::Module, "the object at a user address"),
    user("uaddr", SymbolKind::Address, "the symbol at a user address, with its offset"),
];

const fn kernel(name: &'static str, kind: SymbolKind, doc: &'static str) -> Subroutine {
    Subroutine {
        name,
        result: ResultType::Symbol { kind, user: false },
        params: ONE_ADDRESS,
        doc,
        allocates: false,
        lower: |cx, call| {
            let address = cx.expr(&call.args[0]);
            Operand::Number(cx.number(&address))
        },
    }
}

const fn user(name: &'static str, kind: SymbolKind, doc: &'static str) -> Subroutine {
    Subroutine {
        name,
        result: ResultType::Symbol { kind, user: true },
        params: ONE_ADDRESS,
        doc,
        allocates: false,
        lower: user_address,
    }
}

fn user_address(cx: &mut Context, call: &Call) -> Operand {
    let address = cx.expr(&call.args[0]);
    let address = cx.number(&address);
    let tgid = cx.process_id();
    Operand::Words(vec![tgid, address])
}
