//! What is firing: `probeprov` … `probename`, `id`, `epid`.

use super::{Context, Operand, Variable};
use crate::ir::BinOp;
use crate::kernel::Probe;
use crate::lower::{Firing, Text};

/// Probe names are short in practice; longer ones (C++ symbols) are cut here.
pub(crate) const LONGEST_FIELD: u32 = 192;

pub(super) const VARIABLES: &[Variable] = &[
    Variable {
        name: "probeprov",
        ty: "string",
        text_bound: Some(LONGEST_FIELD),
        doc: "the provider of the probe that fires",
        lower: |cx| field(cx, 0, |p| &p.provider),
    },
    Variable {
        name: "probemod",
        ty: "string",
        text_bound: Some(LONGEST_FIELD),
        doc: "the module of the probe that fires",
        lower: |cx| field(cx, 1, |p| &p.module),
    },
    Variable {
        name: "probefunc",
        ty: "string",
        text_bound: Some(LONGEST_FIELD),
        doc: "the function of the probe that fires",
        lower: |cx| field(cx, 2, |p| &p.function),
    },
    Variable {
        name: "probename",
        ty: "string",
        text_bound: Some(LONGEST_FIELD),
        doc: "the name of the probe that fires",
        lower: |cx| field(cx, 3, |p| &p.name),
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

/// Which field of a probe's description a variable is.
pub(crate) fn field_of_probe(name: &str) -> Option<usize> {
    ["probeprov", "probemod", "probefunc", "probename"].iter().position(|n| *n == name)
}

/// Bytes of the longest text of each field, with its NUL, as far as it isn't cut.
pub(crate) fn longest_fields<'p>(probes: impl Iterator<Item = &'p Probe>) -> [u32; 4] {
    probes.fold([1; 4], |longest, p| {
        let fields = [&p.provider, &p.module, &p.function, &p.name];
        std::array::from_fn(|n| longest[n].max(LONGEST_FIELD.min(fields[n].len() as u32 + 1)))
    })
}

/// One of the four fields. Where it differs among the probes that one program serves, a
/// table has them.
fn field(cx: &mut Context, n: usize, of: fn(&crate::kernel::Probe) -> &String) -> Operand {
    if let Firing::Table { index, len, fields, .. } = cx.firing()
        && let Some(column) = fields[n]
    {
        let index = cx.bounded(index, len);
        let offset = cx.b.binary_imm(BinOp::Mul, index, i64::from(column.stride));
        let table = cx.b.rodata(column.at);
        let at = cx.b.binary(BinOp::Add, table, offset);
        return Operand::Text(Text::Padded(at, column.stride));
    }
    let mut text = of(cx.probe()).clone().into_bytes();
    text.truncate(LONGEST_FIELD as usize - 1);
    Operand::Text(Text::Literal(text))
}
