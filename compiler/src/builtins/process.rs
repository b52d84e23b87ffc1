//! Who is running: `pid`, `tid`, `execname`, `curthread` …

use super::{Context, Operand, Variable};
use crate::btf::BtfKind;
use crate::ir::{BinOp, Helper, UnOp, Value};
use crate::lower::Text;
use std::rc::Rc;

/// Bytes of a task's name, NUL included.
const COMM: u32 = 16;

pub(super) const VARIABLES: &[Variable] = &[
    number("pid", "pid_t", "the id of the current process", |cx| {
        let both = cx.current_ids();
        let tgid = cx.b.binary_imm(BinOp::LShr, both, 32);
        Operand::Number(cx.b.unary(UnOp::Sext32, tgid))
    }),
    number("tid", "id_t", "the id of the current thread", |cx| {
        let both = cx.current_ids();
        Operand::Number(cx.b.unary(UnOp::Sext32, both))
    }),
    number("uid", "uid_t", "the real user id of the current process", |cx| {
        let both = cx.helper(Helper::GET_CURRENT_UID_GID, &[]);
        Operand::Number(cx.b.unary(UnOp::Zext32, both))
    }),
    number("gid", "gid_t", "the real group id of the current process", |cx| {
        let both = cx.helper(Helper::GET_CURRENT_UID_GID, &[]);
        Operand::Number(cx.b.binary_imm(BinOp::LShr, both, 32))
    }),
    number("cpu", "processorid_t", "the number of the current CPU", |cx| {
        Operand::Number(cx.helper(Helper::GET_SMP_PROCESSOR_ID, &[]))
    }),
    number("errno", "int", "the error of the system call that returns, else 0", |cx| {
        Operand::Number(cx.syscall_errno())
    }),
    number("ppid", "pid_t", "the id of the current process's parent", |cx| {
        let task = current(cx);
        cx.task_field(task, &["real_parent", "tgid"])
    }),
    Variable {
        name: "execname",
        ty: "string",
        text_bound: Some(COMM),
        doc: "the name of the current thread",
        lower: execname,
    },
    Variable {
        name: "curthread",
        ty: "struct task_struct *",
        text_bound: None,
        doc: "the current thread, as the kernel has it",
        lower: curthread,
    },
];

const fn number(
    name: &'static str,
    ty: &'static str,
    doc: &'static str,
    lower: fn(&mut Context) -> Operand,
) -> Variable {
    Variable { name, ty, text_bound: None, doc, lower }
}

impl Context<'_, '_> {
    /// The process's id and the thread's, as bpf_get_current_pid_tgid has them. A tick is
    /// fired by the clock: whoever runs the program for it is nobody's process.
    pub(crate) fn current_ids(&mut self) -> Value {
        match self.attach() {
            crate::kernel::Attach::Tick { .. } => self.int(0),
            _ => self.helper(Helper::GET_CURRENT_PID_TGID, &[]),
        }
    }
}

fn execname(cx: &mut Context) -> Operand {
    let at = cx.memory(COMM);
    let size = cx.int(i64::from(COMM));
    cx.helper(Helper::GET_CURRENT_COMM, &[at, size]);
    Operand::Text(Text::Memory(at, COMM))
}

fn current(cx: &mut Context) -> Value {
    cx.helper(Helper::GET_CURRENT_TASK_BTF, &[])
}

fn curthread(cx: &mut Context) -> Operand {
    let id = cx.kernel().btf().and_then(|b| b.find("task_struct", |k| k == BtfKind::Struct));
    match id {
        Some(id) => Operand::Trusted(current(cx), Rc::new((None, id))),
        None => Operand::Number(cx.helper(Helper::GET_CURRENT_TASK, &[])),
    }
}
