//! Who is running: `pid`, `tid`, `execname`, `curthread` …, and with what arguments.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, Variable, required};
use crate::btf::BtfKind;
use crate::ir::{BinOp, Cond, Helper, UnOp, Value, Width};
use crate::lower::Text;
use crate::manifest::Fault;
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

/// Bytes of a process's arguments that are shown, NUL included.
const ARGUMENTS: u32 = 80;

pub(super) const SUBROUTINES: &[Subroutine] = &[Subroutine {
    name: "_psargs",
    result: ResultType::D("string"),
    params: &[required(ParamKind::Address), required(ParamKind::Address)],
    doc: "a process's arguments, which lie between two user addresses, with blanks between",
    allocates: false,
    lower: arguments,
}];

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

/// The arguments follow each other, a NUL behind each.
fn arguments(cx: &mut Context, call: &Call) -> Operand {
    let [start, end] = [0, 1].map(|i| {
        let operand = cx.expr(&call.args[i]);
        cx.number(&operand)
    });
    let at = cx.scratch(ARGUMENTS);
    cx.clear(at, 0, ARGUMENTS);
    let most = cx.int(i64::from(ARGUMENTS));
    let size = cx.b.binary(BinOp::Sub, end, start);
    let size = cx.select(Cond::ULt, size, most, size, most);
    let result = cx.helper(Helper::PROBE_READ_USER, &[at, size, start]);
    cx.fault_if_negative(result, Fault::BadAddress, start, call.expr.span);
    for word in (0..ARGUMENTS as i32).step_by(8) {
        let bytes = cx.b.load(Width::W64, false, at, word);
        let blanks = blanks_for_nuls(cx, bytes);
        cx.b.store(Width::W64, at, word, blanks);
    }
    // The last one's NUL ends the text; without arguments there is no text.
    let one = cx.int(1);
    let last = cx.select(Cond::ULt, size, one, one, size);
    let last = cx.b.add_imm(last, -1);
    let last = cx.b.binary_imm(BinOp::And, last, 127);
    let most = cx.int(i64::from(ARGUMENTS) - 1);
    let last = cx.select(Cond::ULt, last, most, last, most);
    let end = cx.b.binary(BinOp::Add, at, last);
    cx.b.store_imm(Width::W8, end, 0, 0);
    Operand::Text(Text::Memory(at, ARGUMENTS))
}

/// A blank (0x20) instead of each byte of a word that is 0: adding 0x7f to its low seven
/// bits sets a byte's high bit unless they are all 0.
fn blanks_for_nuls(cx: &mut Context, bytes: Value) -> Value {
    const LOW: i64 = 0x7f7f_7f7f_7f7f_7f7f;
    let low = cx.b.binary_imm(BinOp::And, bytes, LOW);
    let carried = cx.b.binary_imm(BinOp::Add, low, LOW);
    let set = cx.b.binary(BinOp::Or, carried, bytes);
    let set = cx.b.binary_imm(BinOp::Or, set, LOW);
    let nuls = cx.b.unary(UnOp::Not, set);
    let blanks = cx.b.binary_imm(BinOp::LShr, nuls, 2);
    cx.b.binary(BinOp::Or, bytes, blanks)
}
