//! When it is: `timestamp`, `vtimestamp`, `walltimestamp`.

use super::{Operand, Variable};
use crate::ir::{BinOp, Helper, Width};
use crate::manifest;

pub(super) const VARIABLES: &[Variable] = &[
    Variable {
        name: "timestamp",
        ty: "uint64_t",
        text_bound: None,
        doc: "nanoseconds of the monotonic clock, the same all through a clause",
        lower: |cx| Operand::Number(cx.timestamp()),
    },
    Variable {
        name: "vtimestamp",
        ty: "uint64_t",
        text_bound: None,
        doc: "nanoseconds that the current thread has run",
        lower: |cx| {
            let task = cx.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
            cx.task_field(task, &["se", "sum_exec_runtime"])
        },
    },
    Variable {
        name: "walltimestamp",
        ty: "int64_t",
        text_bound: None,
        doc: "nanoseconds since 1970, as it is when this is evaluated",
        lower: |cx| {
            let now = cx.helper(Helper::KTIME_GET_NS, &[]);
            let offset = cx.b.bss(manifest::WALL_CLOCK_OFFSET);
            let offset = cx.b.load(Width::W64, false, offset, 0);
            Operand::Number(cx.b.binary(BinOp::Add, now, offset))
        },
    },
];
