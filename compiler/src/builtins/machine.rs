//! Where the program runs: `curcpu`, `ipl`, and the registers of user mode.

use super::{Call, Context, Operand, ParamKind, ResultType, Subroutine, Variable, required};
use crate::btf::BtfKind;
use crate::ir::{BinOp, Cond, Helper, Value};
use crate::kernel::Attach;
use crate::manifest::PROCESSOR_SIZE;
use std::rc::Rc;

pub(super) const VARIABLES: &[Variable] = &[
    Variable {
        name: "curcpu",
        ty: "cpuinfo_t *",
        text_bound: None,
        doc: "the current CPU: its number, chip and NUMA node",
        lower: current_processor,
    },
    Variable {
        name: "ipl",
        ty: "unsigned int",
        text_bound: None,
        doc: "1 in an interrupt handler, else 0; on x86 also 0 if the interrupt came in user mode",
        lower: interrupt_level,
    },
    Variable {
        name: "_uregs",
        ty: "struct pt_regs *",
        text_bound: None,
        doc: "the registers of the current thread when it left user mode",
        lower: user_registers,
    },
];

pub(super) const SUBROUTINES: &[Subroutine] = &[Subroutine {
    name: "_cpuinfo",
    result: ResultType::D("uintptr_t"),
    params: &[required(ParamKind::Integer("int"))],
    doc: "where the `cpuinfo_t` of a CPU is",
    allocates: false,
    lower: |cx, call: &Call| {
        let cpu = cx.scalar(&call.args[0]);
        processor(cx, cpu)
    },
}];

/// What each index of `uregs[]` is, in D: the order of the kernel's own `struct pt_regs`,
/// then what it keeps elsewhere.
#[cfg(not(target_arch = "aarch64"))]
const REGISTERS: [&str; 26] = [
    "_uregs->r15",
    "_uregs->r14",
    "_uregs->r13",
    "_uregs->r12",
    "_uregs->bp",
    "_uregs->bx",
    "_uregs->r11",
    "_uregs->r10",
    "_uregs->r9",
    "_uregs->r8",
    "_uregs->ax",
    "_uregs->cx",
    "_uregs->dx",
    "_uregs->si",
    "_uregs->di",
    "_uregs->orig_ax",
    "_uregs->ip",
    "_uregs->cs",
    "_uregs->flags",
    "_uregs->sp",
    "_uregs->ss",
    "curthread->thread.ds",
    "curthread->thread.es",
    "curthread->thread.fsbase",
    "curthread->thread.gsbase",
    "curthread->thread.trap_nr",
];

/// The D expression of a user register, by its number.
#[cfg(not(target_arch = "aarch64"))]
pub fn register(n: usize) -> Option<&'static str> {
    REGISTERS.get(n).copied()
}

/// What each index of `uregs[]` from 31 on is, in D; those below are numbered registers.
#[cfg(target_arch = "aarch64")]
const SPECIAL: [&str; 3] = ["_uregs->sp", "_uregs->pc", "_uregs->pstate"];

/// The D expression of a user register, by its number.
#[cfg(target_arch = "aarch64")]
pub fn register(n: usize) -> Option<&'static str> {
    const NUMBERED: [&str; 31] = [
        "_uregs->regs[0]",
        "_uregs->regs[1]",
        "_uregs->regs[2]",
        "_uregs->regs[3]",
        "_uregs->regs[4]",
        "_uregs->regs[5]",
        "_uregs->regs[6]",
        "_uregs->regs[7]",
        "_uregs->regs[8]",
        "_uregs->regs[9]",
        "_uregs->regs[10]",
        "_uregs->regs[11]",
        "_uregs->regs[12]",
        "_uregs->regs[13]",
        "_uregs->regs[14]",
        "_uregs->regs[15]",
        "_uregs->regs[16]",
        "_uregs->regs[17]",
        "_uregs->regs[18]",
        "_uregs->regs[19]",
        "_uregs->regs[20]",
        "_uregs->regs[21]",
        "_uregs->regs[22]",
        "_uregs->regs[23]",
        "_uregs->regs[24]",
        "_uregs->regs[25]",
        "_uregs->regs[26]",
        "_uregs->regs[27]",
        "_uregs->regs[28]",
        "_uregs->regs[29]",
        "_uregs->regs[30]",
    ];
    NUMBERED.get(n).or_else(|| SPECIAL.get(n.checked_sub(NUMBERED.len())?)).copied()
}

fn current_processor(cx: &mut Context) -> Operand {
    let cpu = cx.helper(Helper::GET_SMP_PROCESSOR_ID, &[]);
    processor(cx, cpu)
}

/// A CPU's entry in a table that the runtime fills before tracing.
fn processor(cx: &mut Context, cpu: Value) -> Operand {
    let (table, count) = cx.processors();
    let last = cx.int(i64::from(count) - 1);
    let cpu = cx.select(Cond::ULt, cpu, last, cpu, last);
    let offset = cx.b.binary_imm(BinOp::Mul, cpu, i64::from(PROCESSOR_SIZE));
    let table = cx.b.bss(table);
    let at = cx.b.binary(BinOp::Add, table, offset);
    Operand::Number(cx.launder(at))
}

fn user_registers(cx: &mut Context) -> Operand {
    let task = cx.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
    let registers = cx.helper(Helper::TASK_PT_REGS, &[task]);
    let record = cx.kernel().btf().and_then(|b| b.find("pt_regs", |k| k == BtfKind::Struct));
    match record {
        Some(id) => Operand::Trusted(registers, Rc::new((None, id))),
        None => Operand::Number(cx.launder(registers)),
    }
}

fn interrupt_level(cx: &mut Context) -> Operand {
    if cfg!(target_arch = "aarch64") {
        let task = cx.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
        let count = cx.task_field(task, &["thread_info", "preempt_count"]);
        let count = cx.number(&count);
        // The counts of hard interrupts, soft interrupts being served, and NMIs.
        let nested = cx.b.binary_imm(BinOp::And, count, 0x00ff_0100);
        let zero = cx.int(0);
        return Operand::Number(cx.b.compare(Cond::Ne, nested, zero));
    }
    match cx.attach() {
        Attach::Begin | Attach::End | Attach::Error | Attach::Tick { .. } => {
            Operand::Number(cx.int(0))
        }
        _ => Operand::Number(outside_of_task_stack(cx)),
    }
}

/// x86 serves interrupts on stacks of their own. What an event passes lies on the stack
/// that is in use.
fn outside_of_task_stack(cx: &mut Context) -> Value {
    let size = cx.kernel().btf().and_then(|b| {
        let id = b.find("thread_union", |k| k == BtfKind::Union)?;
        b.size(id)
    });
    let task = cx.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
    let stack = cx.task_field(task, &["stack"]);
    let stack = cx.number(&stack);
    let event = cx.bpf_context();
    let event = cx.launder(event);
    let within = cx.b.binary(BinOp::Sub, event, stack);
    let size = cx.int(i64::from(size.unwrap_or(16 << 10)));
    cx.b.compare(Cond::UGe, within, size)
}
