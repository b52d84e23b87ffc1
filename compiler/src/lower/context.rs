//! Where lowering is: one function in the making, and what is known there.
//!
//! In: the shared [`Unit`] and the enabling. Out: the pieces that all of lowering is
//! written with: operands, slots, calls. A [`Context`] is made for every program and
//! for every loop body, which is a function of its own.

use super::fault::FaultTarget;
use super::unit::Unit;
use crate::ir::build::Builder;
use crate::ir::{BlockId, Cond, Helper, Place, SlotId, Type, UnOp, Value, Width};
use crate::kernel::{Attach, Feature};
use crate::typed::{EnabledSite, LocalId};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// What an expression lowers to.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A number: integer, enum or address.
    Number(Value),
    /// An address that the verifier lets the program load through, of this BTF record:
    /// module (`None`: vmlinux) and type id.
    Trusted(Value, Rc<(Option<String>, u32)>),
    /// Text.
    Text(Text),
    /// A struct, array or stack by value: so many bytes at an address that the program
    /// may dereference.
    Bytes(Value, u32),
    /// So many words, in registers (a symbol's tgid and address).
    Words(Vec<Value>),
    /// The kernel or user stack of so many bytes, not taken yet: whoever wants it says
    /// where to.
    Stack {
        /// Bytes of addresses.
        size: u32,
        /// The user's side; begins with the tgid.
        user: bool,
    },
    /// No value.
    Nothing,
}

/// A string value; never copied before somebody keeps it.
#[derive(Clone, Debug)]
pub enum Text {
    /// A constant.
    Literal(Vec<u8>),
    /// NUL-terminated in so many bytes of memory that the program may dereference.
    Memory(Value, u32),
    /// The same where all bytes behind the NUL are 0; they are a multiple of 8.
    Padded(Value, u32),
    /// The same as a variable keeps it, which may be NULL: the first two bytes are 0. In
    /// text that is empty but not NULL the second byte isn't 0.
    Stored(Value, u32),
    /// NULL.
    Null,
    /// NUL-terminated at this kernel address, or so many bytes.
    Kernel(Value, Option<u32>),
    /// NUL-terminated at this user address.
    User(Value, Option<u32>),
    /// The thread's name, which the kernel writes where it is wanted: NUL-terminated in [`COMM`]
    /// bytes.
    Comm,
}

/// Bytes of a thread's name, with its NUL.
pub const COMM: u32 = 16;

/// Which probe is firing.
#[derive(Clone, Debug)]
pub enum Firing {
    /// The only one that the program serves.
    One,
    /// Found out at run time: the index into tables in `.rodata`, and their length.
    Table {
        /// Bounded by `len`.
        index: Value,
        /// Elements of each table.
        len: u32,
        /// u32 probe ids.
        ids: u32,
        /// Provider, module, function, name: of those in which the probes differ.
        fields: [Option<Column>; 4],
    },
}

/// A table of texts in `.rodata`, one for each probe.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Where it begins.
    pub at: u32,
    /// Bytes of a text, with its NUL.
    pub stride: u32,
}

/// What is known at a place in a function.
#[derive(Clone, Debug)]
pub(crate) struct Env {
    /// The enabling's site (any one of them if it has several).
    pub site: Rc<EnabledSite>,
    /// The BPF context.
    pub bpf: Value,
    /// The program keeps its processor, which its end has to change.
    pub keeps_processor: bool,
    /// The probe.
    pub firing: Firing,
    /// If it is a system call that `firing` doesn't tell: 0, or not if it is a 32-bit program's.
    pub compat: Option<Value>,
    /// Index of the source clause.
    pub clause: u32,
    /// Index of the source clause whose predicate was asked ahead, and holds.
    pub asked: Option<u32>,
    /// Arguments of the system call that were read, by number.
    pub call_args: Vec<(usize, Value)>,
    /// `timestamp`, once it was taken.
    pub timestamp: Option<Value>,
    /// The clause-locals.
    pub locals: Option<Value>,
    /// Where faults go.
    pub fault: FaultTarget,
    /// The record being filled.
    pub record: Option<Value>,
    /// Each row of the clause is all that it records in one firing.
    pub whole: bool,
    /// Where it is noted that the clause has recorded something (never in a turn).
    pub recorded: Option<Value>,
    /// The serial number of the speculation that records go to.
    pub speculation: Option<Value>,
    /// `arg0` … of ERROR.
    pub error_args: Option<[Value; 6]>,
    /// The end of the clause.
    pub end: BlockId,
    /// In a loop's body: its frame.
    pub frame: Option<super::loops::Frame>,
}

/// One function in the making.
pub struct Context<'u, 'a> {
    pub(crate) unit: &'u mut Unit<'a>,
    pub(crate) b: Builder,
    pub(crate) env: Env,
    pub(crate) lets: FxHashMap<LocalId, Operand>,
    /// The block that all faults of the function go to, and the places it returns to.
    pub(crate) faults: super::fault::FaultBlock,
    /// Slots that uses of one map's key share.
    pub(crate) key_slots: FxHashMap<u32, SlotId>,
    /// Bytes of the loop area in use (loop bodies only).
    pub(crate) area: super::loops::Area,
    /// What `alloca()` takes from, if a clause so far uses it.
    pub(crate) scratch: Option<super::scratch::Scratch>,
}

/// Bytes that a loop's body may take from its own stack at a time.
const SMALL: u32 = 64;

impl Context<'_, '_> {
    /// The number 0, 1 …
    pub fn int(&mut self, n: i64) -> Value {
        self.b.iconst(n)
    }

    /// The operand as a number that any arithmetic may use.
    pub fn number(&mut self, operand: &Operand) -> Value {
        match operand {
            Operand::Number(v) => *v,
            Operand::Trusted(p, _) => self.launder(*p),
            Operand::Text(text) => self.text_is_set(text),
            Operand::Words(words) => words[words.len() - 1],
            Operand::Bytes(p, _) => self.launder(*p),
            Operand::Stack { .. } | Operand::Nothing => self.int(0),
        }
    }

    /// The operand as something that can be stored or passed to a helper as it is.
    pub fn raw(&mut self, operand: &Operand) -> Value {
        match operand {
            Operand::Trusted(p, _) => *p,
            other => self.number(other),
        }
    }

    /// A pointer's bits as a number that any arithmetic may use.
    pub fn launder(&mut self, p: Value) -> Value {
        if self.b.type_of(p) == Type::I64 {
            return p;
        }
        self.b.unary(UnOp::Address, p)
    }

    /// New memory; in a loop's body it comes from the area that the program lends.
    pub fn memory(&mut self, size: u32) -> Value {
        let size = super::layout::round_up(size.max(1), 8);
        if self.env.frame.is_some() && size > SMALL {
            return self.area_memory(size);
        }
        let slot = self.b.slot(size, 8, Place::Any);
        self.b.slot_addr(slot)
    }

    /// New memory that is not on the BPF stack, so that offsets into it may vary.
    pub fn scratch(&mut self, size: u32) -> Value {
        let size = super::layout::round_up(size.max(1), 8);
        if self.env.frame.is_some() {
            return self.area_memory(size);
        }
        let slot = self.b.slot(size, 8, Place::Scratch);
        self.b.slot_addr(slot)
    }

    /// `x` if the comparison holds, else `y`. The verifier learns from it what it says
    /// about the value that was compared.
    pub fn select(&mut self, cond: Cond, a: Value, b: Value, x: Value, y: Value) -> Value {
        let done = self.b.block(&[Type::I64]);
        self.b.branch_with(cond, a, b, Self::to(done, &[x]), Self::to(done, &[y]));
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    /// A subprogram that is made once.
    pub fn subprogram(
        &mut self,
        name: &'static str,
        make: impl FnOnce(&'static str) -> crate::ir::Function,
    ) -> crate::ir::FunctionId {
        if let Some(f) = self.unit.functions.get(name) {
            return *f;
        }
        let f = self.unit.add_function(make(name));
        self.unit.functions.insert(name, f);
        f
    }

    /// `timestamp`: the clause has taken it before anything of it runs.
    pub fn timestamp(&mut self) -> Value {
        match self.env.timestamp {
            Some(now) => now,
            None => self.helper(Helper::KTIME_GET_NS, &[]),
        }
    }

    /// A field of a task behind a trusted pointer, by member names.
    pub fn task_field(&mut self, task: Value, path: &[&str]) -> Operand {
        self.kernel_field(task, "task_struct", path)
    }

    /// The kernel compiled against.
    pub fn kernel(&self) -> &dyn crate::kernel::Kernel {
        self.unit.kernel
    }

    /// The types of the program.
    pub fn types(&self) -> &crate::types::Types {
        self.unit.types()
    }

    /// Bytes of a string.
    pub fn strsize(&self) -> u32 {
        self.unit.options.strsize
    }

    /// The probe, or one of those that the program serves.
    pub fn probe(&self) -> &crate::kernel::Probe {
        &self.env.site.probe
    }

    /// How the probe is known.
    pub fn firing(&self) -> Firing {
        self.env.firing.clone()
    }

    /// The BPF context.
    pub fn bpf_context(&self) -> Value {
        self.env.bpf
    }

    /// The table of processors: where it is in `.bss`, and how many it has.
    pub fn processors(&mut self) -> (u32, u32) {
        self.unit.processors()
    }

    /// Memory for the keys of one map, shared by all its uses in this function.
    pub fn key_memory(&mut self, map: u32, size: u32) -> Value {
        if let Some(slot) = self.key_slots.get(&map) {
            return self.b.slot_addr(*slot);
        }
        if self.env.frame.is_some() && size > SMALL {
            return self.area_memory(super::layout::round_up(size, 8));
        }
        let slot = self.b.slot(super::layout::round_up(size.max(1), 8), 8, Place::Any);
        self.key_slots.insert(map, slot);
        self.b.slot_addr(slot)
    }

    /// Writes zeros.
    pub fn clear(&mut self, at: Value, offset: u32, size: u32) {
        const BY_HELPER: u32 = 128;
        if size > BY_HELPER {
            let zeros = self.unit.zeros(size);
            let zeros = self.b.rodata(zeros);
            let to = self.b.add_imm(at, i64::from(offset));
            let n = self.int(i64::from(size));
            self.b.helper(Helper::PROBE_READ_KERNEL, &[to, n, zeros]);
            return;
        }
        let mut done = 0;
        while done < size {
            let left = size - done;
            let at_offset = offset + done;
            let width = [Width::W64, Width::W32, Width::W16, Width::W8]
                .into_iter()
                .find(|w| w.bytes() <= left && at_offset.is_multiple_of(w.bytes()))
                .unwrap_or(Width::W8);
            self.b.store_imm(width, at, at_offset as i32, 0);
            done += width.bytes();
        }
    }

    /// Calls a helper.
    pub fn helper(&mut self, helper: Helper, args: &[Value]) -> Value {
        self.b.helper(helper, args)
    }

    /// Looks a key up; what is between here and the returned block only runs if it was
    /// found. Gives the value's address and the block for "not found", which is empty.
    pub fn lookup(&mut self, map: crate::ir::MapId, key: Value) -> (Value, BlockId) {
        let map = self.b.map(map);
        let p = self.helper(Helper::MAP_LOOKUP_ELEM, &[map, key]);
        let missing = self.b.block(&[]);
        let found = self.b.block(&[]);
        self.b.branch_imm(Cond::Eq, p, 0, missing, found);
        self.b.switch_to(found);
        (p, missing)
    }

    /// Ends the current block and goes on in a new one if the comparison holds; else
    /// goes to `otherwise`.
    pub fn go_on_if(&mut self, cond: Cond, a: Value, b: Value, otherwise: BlockId) {
        let next = self.b.block(&[]);
        self.b.branch(cond, a, b, next, otherwise);
        self.b.switch_to(next);
    }

    /// How the program is attached.
    pub fn attach(&self) -> &Attach {
        &self.env.site.attach
    }

    /// Whether the kernel has a feature.
    pub fn has(&self, feature: Feature) -> bool {
        self.unit.kernel.has(feature)
    }
}
