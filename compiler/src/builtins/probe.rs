//! What is firing: `probeprov` … `probename`, `id`, `epid`.

use super::{Context, Operand, Variable};
use crate::ir::BinOp;
use crate::lower::{Firing, Text};

/// Probe names are short in practice; longer ones (C++ symbols) are cut here.
const NAME: u32 = 192;

pub(super) const VARIABLES: &[Variable] = &[
    Variable {
        name: "probeprov",
        ty: "string",
        text_bound: Some(NAME),
        doc: "the provider of the probe that fires",
        lower: |cx| literal(cx, |p| &p.provider),
    },
    Variable {
        name: "probemod",
        ty: "string",
        text_bound: Some(NAME),
        doc: "the module of the probe that fires",
        lower: |cx| literal(cx, |p| &p.module),
    },
    Variable {
        name: "probefunc",
        ty: "string",
        text_bound: Some(NAME),
        doc: "the function of the probe that fires",
        lower: function,
    },
    Variable {
        name: "probename",
        ty: "string",
        text_bound: Some(NAME),
        doc: "the name of the probe that fires",
        lower: |cx| literal(cx, |p| &p.name),
    },
    Variable {
        name: "id",
        ty: "unsigned int",
        text_bound: None,
        doc: "the id of the probe that fires",
        lower: |cx| Operand::Number(cx.probe_id()),
    },
    Variable {
        name: "epid",
        ty: "unsigned int",
        text_bound: None,
        doc: "the id of this clause for this probe",
        lower: |cx| Operand::Number(cx.epid()),
    },
];

fn literal(cx: &mut Context, field: fn(&crate::kernel::Probe) -> &String) -> Operand {
    let mut text = field(cx.probe()).clone().into_bytes();
    text.truncate(NAME as usize - 1);
    Operand::Text(Text::Literal(text))
}

/// The function differs among the probes that one program serves: a table has them.
fn function(cx: &mut Context) -> Operand {
    match cx.firing() {
        Firing::One => literal(cx, |p| &p.function),
        Firing::Table { index, len, functions, stride, .. } => {
            let index = cx.bounded(index, len);
            let offset = cx.b.binary_imm(BinOp::Mul, index, i64::from(stride));
            let table = cx.b.rodata(functions);
            let at = cx.b.binary(BinOp::Add, table, offset);
            Operand::Text(Text::Memory(at, stride))
        }
    }
}
