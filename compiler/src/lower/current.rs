//! Who is running: ids and name of the current thread.
//!
//! In: how the program is attached. Out: numbers. A call of a helper takes longer than all else
//! that a simple clause does, so the thread's structure is asked for once and read for everything;
//! a kernel that compiles helpers into programs doesn't lose by that. Where the event has no types,
//! nothing may have read the kernel's yet, which takes longer than to start: there the helpers
//! are called that need none.

use super::COMM;
use super::context::Context;
use crate::ir::{BinOp, FieldId, Helper, Type, UnOp, Value, Width};
use crate::kernel::Attach;
use crate::typed::walk::{self, Node};
use crate::typed::{Clause, Expr, ExprKind, Program, VariableId};
use strand_grammar::ast::Scope;

/// The structure's name.
const TASK: &str = "task_struct";

/// Words of a thread's name.
const WORDS: usize = COMM as usize / 8;

/// Whether clauses are going to ask for the thread, so that more can be read of it for nothing.
pub(super) fn asks_for_thread(program: &Program, clauses: &[Clause]) -> bool {
    const OF_THREAD: [&str; 5] = ["pid", "tid", "ppid", "execname", "curthread"];
    let is_local = |id: VariableId| program.variables[id.0 as usize].scope == Scope::Thread;
    let mut asks = false;
    for clause in clauses {
        walk::clause(clause, &mut |node| {
            asks |= match node {
                Node::Expr(Expr { kind: ExprKind::Builtin(v), .. }) => OF_THREAD.contains(&v.name),
                Node::Variable(id) => is_local(id),
                _ => false,
            };
        });
    }
    asks
}

impl Context<'_, '_> {
    /// The id of the current process. A tick is fired by the clock: whoever runs the program for
    /// it is nobody's process.
    pub(crate) fn process_id(&mut self) -> Value {
        if let Some(id) = self.of_current_task("tgid") {
            return id;
        }
        let both = self.current_ids();
        let tgid = self.b.binary_imm(BinOp::LShr, both, 32);
        self.b.unary(UnOp::Sext32, tgid)
    }

    /// The id of the current thread.
    pub(crate) fn thread_id(&mut self) -> Value {
        if let Some(id) = self.of_current_task("pid") {
            return id;
        }
        let both = self.current_ids();
        self.b.unary(UnOp::Sext32, both)
    }

    /// Both, as bpf_get_current_pid_tgid has them.
    fn current_ids(&mut self) -> Value {
        match self.attach() {
            Attach::Tick { .. } => self.int(0),
            _ => self.helper(Helper::GET_CURRENT_PID_TGID, &[]),
        }
    }

    fn of_current_task(&mut self, member: &str) -> Option<Value> {
        self.attach().described()?;
        let id = self.field_of(TASK, &[member])?;
        let task = self.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
        // No id is below 0, so there is no sign to extend.
        Some(self.b.load_field(Type::I64, Width::W32, false, task, id))
    }

    /// The name of the current thread, with zeros behind it, as two words of memory; none where
    /// the helper is to be called.
    pub(crate) fn name_words(&mut self) -> Option<[Value; WORDS]> {
        self.attach().described()?;
        let mut fields = [FieldId(0); WORDS];
        for (n, field) in fields.iter_mut().enumerate() {
            *field = self.element_of(TASK, "comm", 8 * n as u32)?;
        }
        let task = self.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
        Some(fields.map(|field| self.b.load_field(Type::I64, Width::W64, false, task, field)))
    }

    /// Writes the name into `size` bytes, COMM or more. With `pad`, what is behind it is zero, as it
    /// always is in the thread's structure; the helper of some kernels (6.1) leaves it as it was.
    pub(super) fn write_name(&mut self, at: Value, offset: u32, size: u32, pad: bool) {
        match self.name_words() {
            Some(words) => {
                for (word, to) in words.into_iter().zip((offset as i32..).step_by(8)) {
                    self.b.store(Width::W64, at, to, word);
                }
                if pad {
                    self.clear(at, offset + COMM, size - COMM);
                }
            }
            None => {
                if pad {
                    self.clear(at, offset, size);
                }
                let to = self.b.add_imm(at, i64::from(offset));
                let size = self.int(i64::from(COMM));
                self.helper(Helper::GET_CURRENT_COMM, &[to, size]);
            }
        }
    }

    /// 0 if the name is this text; none where the helper is to be called.
    pub(super) fn name_differs(&mut self, text: &[u8]) -> Option<Value> {
        let words = self.name_words()?;
        // What is compared has the NUL.
        let mut bytes = text.to_vec();
        bytes.push(0);
        if bytes.len() > COMM as usize {
            return Some(self.int(1));
        }
        let mut difference = None;
        for (word, wanted) in words.into_iter().zip(bytes.chunks(8)) {
            let mut image = [0; 8];
            image[..wanted.len()].copy_from_slice(wanted);
            let other = self.int(i64::from_le_bytes(image));
            let mut differs = self.b.binary(BinOp::Xor, word, other);
            let unused = 8 * (8 - wanted.len() as i64);
            if unused > 0 {
                differs = self.b.binary_imm(BinOp::Shl, differs, unused);
            }
            difference = Some(match difference {
                Some(before) => self.b.binary(BinOp::Or, before, differs),
                None => differs,
            });
        }
        difference
    }
}
