//! The text form of IR.
//!
//! In: a [`Module`] or one function of it. Out: text that [`super::parse`] reads back to
//! an equal one. One line for each map, field, block and instruction; names where the
//! module has them, numbers elsewhere. `docs` of the grammar stand in [`super::parse`].

use super::{
    BinOp, Block, Cond, Field, FieldInfo, Function, FunctionKind, Helper, Inst, KernelFunction,
    Layout, LayoutKind, Map, MapKind, Module, Offset, Op, Place, Target, Terminator, Type, UnOp,
    Value, Width,
};
use std::fmt::{self, Display, Formatter, Write};

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for map in &self.maps {
            write_map(f, map)?;
        }
        for (i, field) in self.fields.iter().enumerate() {
            write_field(f, i, field)?;
        }
        for chunk in self.rodata.chunks(32) {
            writeln!(f, "rodata {}", quoted(chunk))?;
        }
        if self.bss > 0 {
            writeln!(f, "bss {}", self.bss)?;
        }
        for (i, function) in self.functions.iter().enumerate() {
            let nothing_before =
                i == 0 && self.maps.is_empty() && self.fields.is_empty() && self.rodata.is_empty();
            if !nothing_before || self.bss > 0 {
                writeln!(f)?;
            }
            write_function(f, function, self)?;
        }
        Ok(())
    }
}

/// The text of one function.
pub fn function(function: &Function, module: &Module) -> String {
    Shown(|f: &mut Formatter<'_>| write_function(f, function, module)).to_string()
}

struct Shown<F>(F);

impl<F: Fn(&mut Formatter<'_>) -> fmt::Result> Display for Shown<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

// -------------------------------------------------------------------- names

macro_rules! names {
    ($ty:ident: $($variant:ident = $text:literal,)*) => {
        impl $ty {
            /// All of them with their names in text.
            pub const NAMES: &[($ty, &str)] = &[$(($ty::$variant, $text),)*];

            /// Its name in text.
            pub fn name(self) -> &'static str {
                match self {
                    $($ty::$variant => $text,)*
                }
            }
        }
    };
}
names! { MapKind:
    Hash = "hash",
    Array = "array",
    PercpuHash = "percpu_hash",
    PercpuArray = "percpu_array",
    LruHash = "lru_hash",
    Ringbuf = "ringbuf",
    TaskStorage = "task_storage",
    Queue = "queue",
    StackTrace = "stack_trace",
}
names! { BinOp:
    Add = "add",
    Sub = "sub",
    Mul = "mul",
    UDiv = "udiv",
    URem = "urem",
    SDiv = "sdiv",
    SRem = "srem",
    And = "and",
    Or = "or",
    Xor = "xor",
    Shl = "shl",
    LShr = "lshr",
    AShr = "ashr",
}
names! { UnOp:
    Neg = "neg",
    Not = "not",
    Sext8 = "sext8",
    Sext16 = "sext16",
    Sext32 = "sext32",
    Zext8 = "zext8",
    Zext16 = "zext16",
    Zext32 = "zext32",
    Address = "address",
    Bswap16 = "bswap16",
    Bswap32 = "bswap32",
    Bswap64 = "bswap64",
}
names! { Cond:
    Eq = "eq",
    Ne = "ne",
    ULt = "ult",
    ULe = "ule",
    UGt = "ugt",
    UGe = "uge",
    SLt = "slt",
    SLe = "sle",
    SGt = "sgt",
    SGe = "sge",
}
names! { FieldInfo:
    Offset = "offset",
    Size = "size",
    Exists = "exists",
    Signed = "signed",
    LeftShift = "lshift",
    RightShift = "rshift",
    TypeExists = "type_exists",
    TypeSize = "type_size",
    EnumValue = "enum_value",
}
names! { KernelFunction:
    PreemptDisable = "bpf_preempt_disable",
    PreemptEnable = "bpf_preempt_enable",
}
names! { Place:
    Any = "any",
    Stack = "stack",
    Scratch = "scratch",
}
names! { Type:
    I64 = "i64",
    Ptr = "ptr",
}

impl Width {
    /// In bits, as text has it.
    pub fn bits(self) -> u32 {
        8 * self.bytes()
    }
}

/// Whether a name may stand without quotes.
pub(super) fn is_plain(name: &[u8]) -> bool {
    name.first().is_some_and(|c| !c.is_ascii_digit())
        && name.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'_')
}

fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for b in bytes {
        match b {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(*b));
            }
            b' '..=b'~' => out.push(char::from(*b)),
            // Writing to a String can't fail.
            _ => drop(write!(out, "\\x{b:02x}")),
        }
    }
    out.push('"');
    out
}

fn name(name: &str) -> String {
    if is_plain(name.as_bytes()) { name.into() } else { quoted(name.as_bytes()) }
}

// ------------------------------------------------------------------- module

fn write_map(f: &mut Formatter<'_>, map: &Map) -> fmt::Result {
    let Map { name: n, kind, key, value, entries, flags } = map;
    writeln!(f, "map {} {} entries {entries} flags {flags:#x}", name(n), kind.name())?;
    for (what, layout) in [("key", key), ("value", value)] {
        if let Some(layout) = layout {
            write_layout(f, what, layout)?;
        }
    }
    Ok(())
}

fn write_layout(f: &mut Formatter<'_>, what: &str, layout: &Layout) -> fmt::Result {
    write!(f, "  {what} {} align {} {{", layout.size, layout.align)?;
    for (i, field) in layout.fields.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write!(f, "{comma} {}: ", name(&field.name))?;
        match field.kind {
            LayoutKind::Int { bytes, signed } => {
                write!(f, "{}{}", if signed { 's' } else { 'u' }, u32::from(bytes) * 8)?;
            }
            LayoutKind::String(n) => write!(f, "str[{n}]")?,
            LayoutKind::Bytes(n) => write!(f, "bytes[{n}]")?,
            LayoutKind::Words(n) => write!(f, "words[{n}]")?,
        }
        write!(f, " @{}", field.offset)?;
    }
    writeln!(f, " }}")
}

fn write_field(f: &mut Formatter<'_>, index: usize, field: &Field) -> fmt::Result {
    let Field { module, root, path, name: n, offset, size, signed, bits } = field;
    write!(f, "field:{index} {} root {root} path {path:?}", quoted(n.as_bytes()))?;
    write!(f, " offset {offset} size {size}")?;
    if *signed {
        write!(f, " signed")?;
    }
    if let Some(bits) = bits {
        write!(f, " bits {}+{}", bits.offset, bits.size)?;
    }
    if let Some(module) = module {
        write!(f, " module {}", name(module))?;
    }
    writeln!(f)
}

// ----------------------------------------------------------------- function

fn write_function(f: &mut Formatter<'_>, function: &Function, module: &Module) -> fmt::Result {
    match &function.kind {
        FunctionKind::Program { section } => {
            write!(f, "program {}", quoted(section.as_bytes()))?;
        }
        FunctionKind::Subprogram => write!(f, "sub")?,
    }
    write!(f, " @{}(", name(&function.name))?;
    write_params(f, function, &function.params)?;
    writeln!(f, ") {{")?;
    for (i, s) in function.slots.iter().enumerate() {
        writeln!(f, "  ${i} = slot {} align {} {}", s.size, s.align, s.place.name())?;
    }
    write_unused(f, function)?;
    for (i, block) in function.blocks.iter().enumerate() {
        write!(f, "b{i}")?;
        if !block.params.is_empty() {
            write!(f, "(")?;
            write_params(f, function, &block.params)?;
            write!(f, ")")?;
        }
        writeln!(f, ":")?;
        write_block(f, function, block, module)?;
    }
    writeln!(f, "}}")
}

fn write_params(f: &mut Formatter<'_>, function: &Function, params: &[Value]) -> fmt::Result {
    for (i, v) in params.iter().enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        write!(f, "{comma}{v}: {}", type_of(function, *v).name())?;
    }
    Ok(())
}

/// The printer is for wrong functions too: a value out of range has no type.
fn type_of(function: &Function, v: Value) -> Type {
    function.values.get(v.index()).copied().unwrap_or(Type::I64)
}

/// Values that nothing defines any more, so that numbers stay as they are.
fn write_unused(f: &mut Formatter<'_>, function: &Function) -> fmt::Result {
    let mut defined = vec![false; function.values.len()];
    let params = function.blocks.iter().flat_map(|b| &b.params);
    let results = function.blocks.iter().flat_map(|b| &b.insts).filter_map(|i| i.result.as_ref());
    for v in function.params.iter().chain(params).chain(results) {
        if let Some(d) = defined.get_mut(v.index()) {
            *d = true;
        }
    }
    let unused: Vec<_> =
        (0..).map(Value).zip(defined).filter(|(_, defined)| !defined).map(|(v, _)| v).collect();
    if !unused.is_empty() {
        write!(f, "  unused ")?;
        write_params(f, function, &unused)?;
        writeln!(f)?;
    }
    Ok(())
}

fn write_block(
    f: &mut Formatter<'_>,
    function: &Function,
    block: &Block,
    module: &Module,
) -> fmt::Result {
    for inst in &block.insts {
        write!(f, "  ")?;
        if let Some(v) = inst.result {
            write!(f, "{v}")?;
            let ty = type_of(function, v);
            if ty != inst.op.usual_type(|v| type_of(function, v)) {
                write!(f, ": {}", ty.name())?;
            }
            write!(f, " = ")?;
        }
        write_inst(f, inst, module)?;
    }
    write!(f, "  ")?;
    match &block.term {
        Terminator::Missing => write!(f, "missing")?,
        Terminator::Jump(t) => write!(f, "jump {t}")?,
        Terminator::Branch { cond, a, b, then, otherwise } => {
            write!(f, "br.{} {a}, {b}, {then}, {otherwise}", cond.name())?;
        }
        Terminator::Return(None) => write!(f, "ret")?,
        Terminator::Return(Some(v)) => write!(f, "ret {v}")?,
    }
    writeln!(f)
}

fn write_inst(f: &mut Formatter<'_>, inst: &Inst, module: &Module) -> fmt::Result {
    match &inst.op {
        Op::Const(n) => write!(f, "const {n}")?,
        Op::Binary(op, a, b) => write!(f, "{} {a}, {b}", op.name())?,
        Op::Unary(op, a) => write!(f, "{} {a}", op.name())?,
        Op::Compare(cond, a, b) => write!(f, "cmp.{} {a}, {b}", cond.name())?,
        Op::Load { width, signed, base, offset } => {
            let s = if *signed { 's' } else { 'u' };
            write!(f, "load.{s}{} {base}", width.bits())?;
            match offset {
                Offset::Bytes(n) => write_offset(f, *n)?,
                Offset::Field(field) => write!(f, " + {field}")?,
            }
        }
        Op::Store { width, base, offset, value } => {
            write_access(f, "store", *width, *base, *offset, &[*value])?;
        }
        Op::AtomicAdd { width, base, offset, value } => {
            write_access(f, "atomic_add", *width, *base, *offset, &[*value])?;
        }
        Op::AtomicFetchAdd { width, base, offset, value } => {
            write_access(f, "atomic_fetch_add", *width, *base, *offset, &[*value])?;
        }
        Op::AtomicCompareExchange { width, base, offset, expected, new } => {
            write_access(f, "atomic_cmpxchg", *width, *base, *offset, &[*expected, *new])?;
        }
        Op::FieldInfo(field, info) => write!(f, "info.{} {field}", info.name())?,
        Op::Map(m) => match module.maps.get(m.index()) {
            Some(map) => write!(f, "map {}", name(&map.name))?,
            None => write!(f, "map {}", m.0)?,
        },
        Op::Rodata(n) => write!(f, "rodata {n}")?,
        Op::Bss(n) => write!(f, "bss {n}")?,
        Op::FaultPc(n) => write!(f, "faultpc {n}")?,
        Op::Slot(s) => write!(f, "slot ${}", s.0)?,
        Op::Function(g) => write_function_name(f, "func", g.index(), module)?,
        Op::Helper(helper, args) => {
            match Helper::name(*helper) {
                Some(n) => write!(f, "helper {n}")?,
                None => write!(f, "helper {}", helper.0)?,
            }
            write!(f, "({})", Args(args))?;
        }
        Op::KernelFunction(k) => write!(f, "kfunc {}", k.name())?,
        Op::CallKernel(k) => write!(f, "call_kfunc {}", k.name())?,
        Op::Call(g, args) => {
            write_function_name(f, "call", g.index(), module)?;
            write!(f, "({})", Args(args))?;
        }
    }
    if let Some(span) = inst.span {
        write!(f, "  ; {}:{}-{}", span.source.0, span.start, span.end)?;
    }
    writeln!(f)
}

fn write_function_name(
    f: &mut Formatter<'_>,
    what: &str,
    index: usize,
    module: &Module,
) -> fmt::Result {
    match module.functions.get(index) {
        Some(g) => write!(f, "{what} @{}", name(&g.name)),
        None => write!(f, "{what} @{index}"),
    }
}

fn write_access(
    f: &mut Formatter<'_>,
    what: &str,
    width: Width,
    base: Value,
    offset: i32,
    values: &[Value],
) -> fmt::Result {
    write!(f, "{what}.u{} {base}", width.bits())?;
    write_offset(f, offset)?;
    write!(f, ", {}", Args(values))
}

fn write_offset(f: &mut Formatter<'_>, n: i32) -> fmt::Result {
    match n {
        0 => Ok(()),
        1.. => write!(f, " + {n}"),
        _ => write!(f, " - {}", n.unsigned_abs()),
    }
}

struct Args<'a>(&'a [Value]);

impl Display for Args<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, v) in self.0.iter().enumerate() {
            write!(f, "{}{v}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.block.0)?;
        if !self.args.is_empty() {
            write!(f, "({})", Args(&self.args))?;
        }
        Ok(())
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl Display for super::FieldId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "field:{}", self.0)
    }
}
