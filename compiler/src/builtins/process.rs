//! Who is running: `pid`, `tid`, `execname`, `curthread` …, and with what arguments.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, Variable, required};
use crate::btf::BtfKind;
use crate::ir::build::Builder;
use crate::ir::{
    BinOp, Cond, FieldId, FieldInfo, Function, FunctionKind, Helper, Type, UnOp, Value, Width,
};
use crate::lower::{COMM, Text};
use crate::manifest::Fault;
use std::rc::Rc;

pub(super) const VARIABLES: &[Variable] = &[
    number("pid", "pid_t", "the id of the current process", |cx| Operand::Number(cx.process_id())),
    number("tid", "id_t", "the id of the current thread", |cx| Operand::Number(cx.thread_id())),
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

pub(super) const SUBROUTINES: &[Subroutine] = &[
    Subroutine {
        name: "_psargs",
        result: ResultType::D("string"),
        params: &[required(ParamKind::Address), required(ParamKind::Address)],
        doc: "a process's arguments, which lie between two user addresses, with blanks between",
        allocates: false,
        lower: arguments,
    },
    Subroutine {
        name: "progenyof",
        result: ResultType::D("int"),
        params: &[required(ParamKind::Integer("pid_t"))],
        doc: "1 if the process is that one, or one of its children, or of theirs …; else 0",
        allocates: false,
        lower: progeny,
    },
];

/// The most ancestors that are looked at.
const GENERATIONS: i64 = 4096;

/// The walk's words: the task, the process id that is looked for, whether it was found,
/// and a place to read to.
const TASK: i32 = 0;
const WANTED: i32 = 8;
const FOUND: i32 = 16;
const READ: i32 = 24;
const WORDS: u32 = 32;

fn progeny(cx: &mut Context, call: &Call) -> Operand {
    let wanted = cx.scalar(&call.args[0]);
    // A tick is nobody's.
    if let crate::kernel::Attach::Tick { .. } = cx.attach() {
        return Operand::Number(cx.int(0));
    }
    let (Some(tgid), Some(parent)) =
        (cx.field_of("task_struct", &["tgid"]), cx.field_of("task_struct", &["real_parent"]))
    else {
        return Operand::Number(cx.int(0));
    };
    let words = cx.scratch(WORDS);
    let task = current(cx);
    let task = cx.launder(task);
    cx.b.store(Width::W64, words, TASK, task);
    let wanted = cx.b.unary(UnOp::Zext32, wanted);
    cx.b.store(Width::W64, words, WANTED, wanted);
    cx.b.store_imm(Width::W64, words, FOUND, 0);
    cx.b.store_imm(Width::W64, words, READ, 0);
    let turn = cx.subprogram("strand_ancestor", |name| ancestor(name, tgid, parent));
    let slot = cx.b.slot(8, 8, crate::ir::Place::Stack);
    let frame = cx.b.slot_addr(slot);
    cx.b.store(Width::W64, frame, 0, words);
    let (turns, turn) = (cx.int(GENERATIONS), cx.b.function_addr(turn));
    let flags = cx.int(0);
    cx.helper(Helper::LOOP, &[turns, turn, frame, flags]);
    Operand::Number(cx.b.load(Width::W64, false, words, FOUND))
}

/// `strand_ancestor(n, frame)`: compares one task and goes on to its parent; 1 at the end,
/// which is the task that is its own parent.
fn ancestor(name: &str, tgid: FieldId, parent: FieldId) -> Function {
    let mut b = Builder::new(name, FunctionKind::Subprogram, &[Type::I64, Type::Ptr]);
    let frame = b.param(1);
    let words = b.load_ptr(frame, 0);
    let read = b.add_imm(words, i64::from(READ));
    let task = b.load(Width::W64, false, words, TASK);
    let (found, next, over) = (b.block(&[]), b.block(&[]), b.block(&[]));
    let offset = b.field_info(tgid, FieldInfo::Offset);
    let at = b.binary(BinOp::Add, task, offset);
    let four = b.iconst(4);
    b.helper(Helper::PROBE_READ_KERNEL, &[read, four, at]);
    let here = b.load(Width::W32, false, words, READ);
    let wanted = b.load(Width::W64, false, words, WANTED);
    b.branch(Cond::Eq, here, wanted, found, next);
    b.switch_to(next);
    let offset = b.field_info(parent, FieldInfo::Offset);
    let at = b.binary(BinOp::Add, task, offset);
    let eight = b.iconst(8);
    b.helper(Helper::PROBE_READ_KERNEL, &[read, eight, at]);
    let up = b.load(Width::W64, false, words, READ);
    b.store(Width::W64, words, TASK, up);
    let more = b.block(&[]);
    b.branch(Cond::Eq, up, task, over, more);
    b.switch_to(more);
    let zero = b.iconst(0);
    b.ret(Some(zero));
    b.switch_to(found);
    b.store_imm(Width::W64, words, FOUND, 1);
    b.jump(over, &[]);
    b.switch_to(over);
    let one = b.iconst(1);
    b.ret(Some(one));
    b.finish()
}

const fn number(
    name: &'static str,
    ty: &'static str,
    doc: &'static str,
    lower: fn(&mut Context) -> Operand,
) -> Variable {
    Variable { name, ty, text_bound: None, doc, lower }
}

fn execname(_: &mut Context) -> Operand {
    Operand::Text(Text::Comm)
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
