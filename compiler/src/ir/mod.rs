//! The intermediate representation: typed SSA with block parameters, close to BPF.
//!
//! In: built by `lower` (or read from text, see [`parse`]). Out: consumed by `bpf`.
//! Decides what a program means in terms of 64-bit values, memory, maps, helpers and
//! CO-RE relocations; knows nothing of D's syntax, of registers or of ELF.
//!
//! Shape
//! - A [`Module`] has maps, kernel fields, read-only data and functions.
//! - A [`Function`] has blocks; the first is the entry. A block has parameters,
//!   instructions and one [`Terminator`]; values flow between blocks only by
//!   dominance or by block arguments.
//! - A value is 64 bits wide: [`Type::I64`] is a number (a kernel or user address is
//!   one too), [`Type::Ptr`] is an address that the verifier lets a program
//!   dereference by plain loads (stack, map value, context, ring-buffer record,
//!   trusted kernel pointer).
//! - Narrow integers exist only in memory: loads extend, stores truncate.
//! - Memory that a function needs for itself is a [`Slot`]; the back end puts it on
//!   the BPF stack or, when that is full, in the program's per-CPU scratch map.

pub mod build;
pub mod cfg;
pub mod parse;
pub mod passes;
pub mod print;
#[cfg(test)]
pub mod testing;
pub mod uses;
pub mod verify;
pub mod volume;

use serde::{Deserialize, Serialize};
use strand_grammar::source::Span;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        pub struct $name(pub u32);

        impl $name {
            /// The id as an index.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}
id!(/// An SSA value of a function; `%3` in text.
    Value);
id!(/// A block of a function; `b3` in text.
    BlockId);
id!(/// A stack slot of a function; `$3` in text.
    SlotId);
id!(/// A function of the module; `@name` in text.
    FunctionId);
id!(/// A map of the module; `map:name` in text.
    MapId);
id!(/// A kernel field or type that CO-RE relocates; `field:N` in text.
    FieldId);

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A number of 64 bits, of either signedness.
    I64,
    /// An address that plain loads and stores may use.
    Ptr,
}

/// Everything that becomes one BPF object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// In order of [`MapId`].
    pub maps: Vec<Map>,
    /// In order of [`FieldId`].
    pub fields: Vec<Field>,
    /// Contents of `.rodata` (string constants, tables); frozen when loaded.
    pub rodata: Vec<u8>,
    /// Size of `.bss`: zeroed globals that BPF and user space share.
    pub bss: u32,
    /// In order of [`FunctionId`].
    pub functions: Vec<Function>,
}

// --------------------------------------------------------------------- maps

/// The kinds of maps in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named after the kernel's BPF_MAP_TYPE_*")]
pub enum MapKind {
    Hash,
    Array,
    PercpuHash,
    PercpuArray,
    LruHash,
    Ringbuf,
    TaskStorage,
    Queue,
    StackTrace,
}

/// A map definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Unique; as bpftool shows it (the kernel keeps 15 bytes).
    pub name: String,
    /// Its kind.
    pub kind: MapKind,
    /// `None` for ring buffers and queues.
    pub key: Option<Layout>,
    /// `None` for ring buffers.
    pub value: Option<Layout>,
    /// Number of elements; bytes for a ring buffer; 0 for task storage.
    pub entries: u32,
    /// `BPF_F_NO_PREALLOC` and the like.
    pub flags: u32,
}

/// How the bytes of a key or value are laid out; becomes BTF, so that bpftool prints it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Total size with padding.
    pub size: u32,
    /// Alignment: 1, 2, 4 or 8.
    pub align: u32,
    /// In order of offset. Padding between them is zero in keys.
    pub fields: Vec<LayoutField>,
}

/// One part of a [`Layout`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayoutField {
    /// A C identifier.
    pub name: String,
    /// Byte offset.
    pub offset: u32,
    /// What is there.
    pub kind: LayoutKind,
}

/// What a part of a [`Layout`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayoutKind {
    /// An integer of 1, 2, 4 or 8 bytes.
    Int {
        /// Size.
        bytes: u8,
        /// Signedness.
        signed: bool,
    },
    /// NUL-terminated text in so many bytes.
    String(u32),
    /// Raw bytes.
    Bytes(u32),
    /// An array of u64.
    Words(u32),
}

// ----------------------------------------------------------- kernel fields

/// A path into a kernel type, relocated by CO-RE.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Which BTF holds the root: `None` is vmlinux, else a module.
    pub module: Option<String>,
    /// BTF id of the root type on the kernel compiled against: a struct, union or
    /// enum, after typedefs and qualifiers.
    pub root: u32,
    /// From the root: member index or array index at each step (the first implicit
    /// dereference is not in it). Empty for relocations of the type itself.
    pub path: Vec<u32>,
    /// For people: `bio.bi_iter.bi_sector`.
    pub name: String,
    /// Byte offset on the kernel compiled against (of the storage unit for
    /// bit-fields); for an enumerator its value.
    pub offset: u32,
    /// Size in bytes there (of the storage unit for bit-fields).
    pub size: u32,
    /// Whether it is a signed integer there.
    pub signed: bool,
    /// For a bit-field: which bits of the storage unit.
    pub bits: Option<Bits>,
}

/// The bits of a bit-field within its storage unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits {
    /// The lowest, counted from the unit's least significant bit.
    pub offset: u8,
    /// How many.
    pub size: u8,
}

impl Field {
    /// What `info` is on the kernel compiled against.
    pub fn info(&self, info: FieldInfo) -> i64 {
        let unit = Bits { offset: 0, size: (self.size * 8).min(64) as u8 };
        let bits = self.bits.unwrap_or(unit);
        match info {
            FieldInfo::Offset => self.offset.into(),
            FieldInfo::EnumValue => (self.offset as i32).into(),
            FieldInfo::Size | FieldInfo::TypeSize => self.size.into(),
            FieldInfo::Exists | FieldInfo::TypeExists => 1,
            FieldInfo::Signed => self.signed.into(),
            FieldInfo::LeftShift => 64 - i64::from(bits.offset) - i64::from(bits.size),
            FieldInfo::RightShift => 64 - i64::from(bits.size),
        }
    }
}

/// What CO-RE writes into an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldInfo {
    /// Byte offset of the field (of its storage unit for a bit-field).
    Offset,
    /// Its size in bytes.
    Size,
    /// 1 if the running kernel has it.
    Exists,
    /// 1 if it is signed.
    Signed,
    /// Bit-fields: how far to shift the loaded unit left (as a u64).
    LeftShift,
    /// Bit-fields: how far to shift it right afterwards.
    RightShift,
    /// Root only: 1 if the type exists.
    TypeExists,
    /// Root only: its size.
    TypeSize,
    /// Root is an enum, path is one index: the enumerator's value.
    EnumValue,
}

// ---------------------------------------------------------------- functions

/// What a function is to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionKind {
    /// An entry point in an ELF section that libbpf understands (`tp_btf/x`, `raw_tp`,
    /// `fentry/x`, `perf_event`, `kprobe` …). Its one parameter is the context.
    Program {
        /// The section.
        section: String,
    },
    /// A bpf-to-bpf function of at most five parameters, or a bpf_loop callback.
    Subprogram,
}

/// A function.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Unique; the ELF symbol.
    pub name: String,
    /// Program or subprogram.
    pub kind: FunctionKind,
    /// Parameters: values defined on entry (the entry block has none of its own).
    pub params: Vec<Value>,
    /// The type of every value, by its index.
    pub values: Vec<Type>,
    /// Memory that the function needs.
    pub slots: Vec<Slot>,
    /// The first is the entry.
    pub blocks: Vec<Block>,
}

/// Memory private to one run of a function. Contents are undefined at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bytes.
    pub size: u32,
    /// 1, 2, 4 or 8.
    pub align: u32,
    /// Where it may be.
    pub place: Place,
}

/// Where a slot may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Wherever the back end finds room: the stack first, then scratch memory.
    Any,
    /// On the BPF stack (a bpf_loop context must be).
    Stack,
    /// In the program's per-CPU scratch map value, whose contents the verifier does
    /// not follow: state of bpf_loop bodies converges only there.
    Scratch,
}

/// A basic block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Defined by whoever jumps here.
    pub params: Vec<Value>,
    /// In order.
    pub insts: Vec<Inst>,
    /// How it ends.
    pub term: Terminator,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Inst {
    /// The value that it defines, if any.
    pub result: Option<Value>,
    /// What it does.
    pub op: Op,
    /// The D text that it stands for; goes into line info and annotated listings.
    pub span: Option<Span>,
}

/// Two-operand arithmetic on 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named after what they do")]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    /// Unsigned; by zero gives 0, as BPF has it. D's check comes before.
    UDiv,
    /// Unsigned remainder; by zero gives the dividend.
    URem,
    /// Signed; expanded by the back end where the instruction set lacks it.
    SDiv,
    /// Signed remainder, sign of the dividend.
    SRem,
    And,
    Or,
    Xor,
    /// Shift counts are masked to 6 bits.
    Shl,
    LShr,
    AShr,
}

/// One-operand arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named after what they do")]
pub enum UnOp {
    Neg,
    /// Bitwise complement.
    Not,
    Sext8,
    Sext16,
    Sext32,
    Zext8,
    Zext16,
    Zext32,
    /// A pointer's bits as a number. The verifier forbids most arithmetic on what it
    /// knows as a pointer; negated twice, it is nothing that it knows.
    Address,
    /// Byte order of the low 16, 32 or all 64 bits reversed, the rest zero.
    Bswap16,
    Bswap32,
    Bswap64,
}

/// Comparisons. On pointers only `Eq` and `Ne` with the constant 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named after what they do")]
pub enum Cond {
    Eq,
    Ne,
    ULt,
    ULe,
    UGt,
    UGe,
    SLt,
    SLe,
    SGt,
    SGe,
}

/// The size of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named after their sizes")]
pub enum Width {
    W8,
    W16,
    W32,
    W64,
}

impl Width {
    /// In bytes.
    pub fn bytes(self) -> u32 {
        1 << self as u32
    }

    /// The width of so many bytes, if there is one.
    pub fn of(bytes: u32) -> Option<Width> {
        match bytes {
            1 => Some(Width::W8),
            2 => Some(Width::W16),
            4 => Some(Width::W32),
            8 => Some(Width::W64),
            _ => None,
        }
    }
}

/// The constant part of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offset {
    /// So many bytes.
    Bytes(i32),
    /// The offset of a kernel field, relocated when loaded.
    Field(FieldId),
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A constant.
    Const(i64),
    /// `a op b`; `Ptr ± I64` is a `Ptr`, everything else I64.
    Binary(BinOp, Value, Value),
    /// `op a`
    Unary(UnOp, Value),
    /// 1 or 0.
    Compare(Cond, Value, Value),
    /// Reads memory; `signed` extends the sign. A 64-bit load may give a Ptr (map
    /// pointers in context structs, trusted kernel pointers): the result's type says.
    Load {
        /// Bytes read.
        width: Width,
        /// Extend the sign.
        signed: bool,
        /// A Ptr.
        base: Value,
        /// Added to it.
        offset: Offset,
    },
    /// Writes the low bytes of `value`.
    Store {
        /// Bytes written.
        width: Width,
        /// A Ptr.
        base: Value,
        /// Added to it.
        offset: i32,
        /// What is written.
        value: Value,
    },
    /// Adds atomically to memory; 32 or 64 bits. No result.
    AtomicAdd {
        /// 32 or 64.
        width: Width,
        /// A Ptr.
        base: Value,
        /// Added to it.
        offset: i32,
        /// The addend.
        value: Value,
    },
    /// Atomically stores `new` if memory equals `expected`; the result is the old content.
    AtomicCompareExchange {
        /// 32 or 64.
        width: Width,
        /// A Ptr.
        base: Value,
        /// Added to it.
        offset: i32,
        /// What must be there.
        expected: Value,
        /// What to store.
        new: Value,
    },
    /// Adds atomically and gives the old content.
    AtomicFetchAdd {
        /// 32 or 64.
        width: Width,
        /// A Ptr.
        base: Value,
        /// Added to it.
        offset: i32,
        /// The addend.
        value: Value,
    },
    /// A fact about a kernel field, as a number known at load time.
    FieldInfo(FieldId, FieldInfo),
    /// The map itself, as helpers want it; a Ptr.
    Map(MapId),
    /// Address of so many bytes into `.rodata`; a Ptr.
    Rodata(u32),
    /// Address of so many bytes into `.bss`; a Ptr.
    Bss(u32),
    /// The number of the instruction that this becomes, within its function: where fault
    /// site so-and-so raises.
    FaultPc(u32),
    /// Address of a slot; a Ptr.
    Slot(SlotId),
    /// Address of a function, for bpf_loop; a Ptr.
    Function(FunctionId),
    /// Calls a BPF helper by number (`BPF_FUNC_*`); at most five arguments. Always has
    /// a result; for helpers that return a maybe-null pointer it is a Ptr to be
    /// compared with 0 before use.
    Helper(Helper, Vec<Value>),
    /// Calls a subprogram.
    Call(FunctionId, Vec<Value>),
    /// Whether the kernel has a function: a Ptr, to be compared with 0.
    KernelFunction(KernelFunction),
    /// Calls it. No arguments, no result; only where it is known to be there.
    CallKernel(KernelFunction),
}

/// A function of the kernel that programs may call (a kfunc). Kernels may lack it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KernelFunction {
    /// Until the other is called, no other thread gets the processor. From 6.10.
    PreemptDisable,
    /// The end of that.
    PreemptEnable,
}

/// A BPF helper by its number in the kernel's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Helper(pub u32);

macro_rules! helpers {
    ($($name:ident = $number:literal, $text:literal, $ptr:literal;)*) => {
        #[allow(missing_docs, reason = "named after the kernel's bpf_* helpers")]
        impl Helper {
            $(pub const $name: Helper = Helper($number);)*

            /// All helpers in use with their names and whether they return a pointer.
            pub const ALL: &[(Helper, &str, bool)] = &[$((Helper::$name, $text, $ptr),)*];
        }
    };
}
helpers! {
    MAP_LOOKUP_ELEM = 1, "map_lookup_elem", true;
    MAP_UPDATE_ELEM = 2, "map_update_elem", false;
    MAP_DELETE_ELEM = 3, "map_delete_elem", false;
    KTIME_GET_NS = 5, "ktime_get_ns", false;
    GET_PRANDOM_U32 = 7, "get_prandom_u32", false;
    GET_SMP_PROCESSOR_ID = 8, "get_smp_processor_id", false;
    GET_CURRENT_PID_TGID = 14, "get_current_pid_tgid", false;
    GET_CURRENT_UID_GID = 15, "get_current_uid_gid", false;
    GET_CURRENT_COMM = 16, "get_current_comm", false;
    GET_CURRENT_TASK = 35, "get_current_task", false;
    PROBE_WRITE_USER = 36, "probe_write_user", false;
    OVERRIDE_RETURN = 58, "override_return", false;
    GET_STACK = 67, "get_stack", false;
    GET_CURRENT_CGROUP_ID = 80, "get_current_cgroup_id", false;
    MAP_PUSH_ELEM = 87, "map_push_elem", false;
    MAP_POP_ELEM = 88, "map_pop_elem", false;
    MAP_PEEK_ELEM = 89, "map_peek_elem", false;
    SEND_SIGNAL = 109, "send_signal", false;
    PROBE_READ_USER = 112, "probe_read_user", false;
    PROBE_READ_KERNEL = 113, "probe_read_kernel", false;
    PROBE_READ_USER_STR = 114, "probe_read_user_str", false;
    PROBE_READ_KERNEL_STR = 115, "probe_read_kernel_str", false;
    JIFFIES64 = 118, "jiffies64", false;
    KTIME_GET_BOOT_NS = 125, "ktime_get_boot_ns", false;
    RINGBUF_OUTPUT = 130, "ringbuf_output", false;
    RINGBUF_RESERVE = 131, "ringbuf_reserve", true;
    RINGBUF_SUBMIT = 132, "ringbuf_submit", false;
    RINGBUF_DISCARD = 133, "ringbuf_discard", false;
    RINGBUF_QUERY = 134, "ringbuf_query", false;
    GET_TASK_STACK = 141, "get_task_stack", false;
    D_PATH = 147, "d_path", false;
    TASK_STORAGE_GET = 156, "task_storage_get", true;
    TASK_STORAGE_DELETE = 157, "task_storage_delete", false;
    GET_CURRENT_TASK_BTF = 158, "get_current_task_btf", true;
    GET_FUNC_IP = 173, "get_func_ip", false;
    GET_ATTACH_COOKIE = 174, "get_attach_cookie", false;
    TASK_PT_REGS = 175, "task_pt_regs", true;
    LOOP = 181, "loop", false;
    STRNCMP = 182, "strncmp", false;
    KTIME_GET_TAI_NS = 208, "ktime_get_tai_ns", false;
}

impl Helper {
    /// Its name without the `bpf_` prefix.
    pub fn name(self) -> Option<&'static str> {
        Self::ALL.iter().find(|(h, ..)| *h == self).map(|(_, n, _)| *n)
    }

    /// Whether its result is a pointer.
    pub fn returns_pointer(self) -> bool {
        Self::ALL.iter().any(|(h, _, p)| *h == self && *p)
    }
}

/// A jump with the arguments for the target's parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// Where.
    pub block: BlockId,
    /// One for each parameter there.
    pub args: Vec<Value>,
}

/// How a block ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Terminator {
    /// Not set yet; never in a verified function.
    #[default]
    Missing,
    /// Goes on there.
    Jump(Target),
    /// Goes to `then` if the comparison holds.
    Branch {
        /// The comparison.
        cond: Cond,
        /// Left.
        a: Value,
        /// Right.
        b: Value,
        /// If it holds.
        then: Target,
        /// If not.
        otherwise: Target,
    },
    /// Ends the function with this result (0 if none).
    Return(Option<Value>),
}
