//! IR to BPF instructions.
//!
//! In: a verified [`crate::ir::Module`]. Out: [`Code`]: instructions of every function
//! with the places that the object writer or the loader must patch. Decides
//! instruction selection, registers and the stack frame; knows nothing of ELF.
//!
//! For each function, those that are called before those that call them:
//! `frame` gives slots their places → `prepare` shapes the flow → `select` chooses
//! instructions → `regalloc` assigns registers → `emit` encodes.

#[cfg(test)]
mod agreement;
mod crossing;
pub mod disasm;
mod emit;
mod expand;
mod frame;
pub mod insn;
#[cfg(test)]
mod live;
mod mach;
#[cfg(test)]
mod machine;
mod prepare;
mod regalloc;
mod renumber;
mod select;
#[cfg(test)]
mod tests;

use crate::ir::{
    FieldId, FieldInfo, Function, FunctionId, FunctionKind, KernelFunction, Layout, LayoutField,
    LayoutKind, Map, MapId, MapKind, Module, Op,
};
use insn::Insn;
use strand_grammar::source::Span;

/// All functions of a module, in order of [`FunctionId`].
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// One for each function.
    pub functions: Vec<FunctionCode>,
}

/// One function's instructions.
#[derive(Clone, Debug)]
pub struct FunctionCode {
    /// The ELF symbol.
    pub name: String,
    /// Program or subprogram.
    pub kind: FunctionKind,
    /// How many parameters it has.
    pub params: usize,
    /// Jumps are resolved; relocations are not applied.
    pub insns: Vec<Insn>,
    /// In order of instruction.
    pub relocations: Vec<Relocation>,
    /// (instruction index, D text that it and those after it stand for), in order.
    pub spans: Vec<(u32, Span)>,
    /// Bytes of stack in use.
    pub stack: u32,
}

/// An instruction to be patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Index of the instruction (the first of a 16-byte one).
    pub insn: u32,
    /// With what.
    pub target: RelocationTarget,
}

/// What an instruction refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelocationTarget {
    /// 64-bit immediate: a map.
    Map(MapId),
    /// 64-bit immediate: address in `.rodata`; the addend is the number.
    Rodata(u32),
    /// 64-bit immediate: address in `.bss`.
    Bss(u32),
    /// 64-bit immediate: the address of a subprogram, as a callback.
    FunctionAddress(FunctionId),
    /// A bpf-to-bpf call.
    Call(FunctionId),
    /// 64-bit immediate: the address of a function of the kernel, or 0.
    KernelAddress(KernelFunction),
    /// A call of it.
    KernelCall(KernelFunction),
    /// CO-RE: the offset of a load, or the immediate of a move or add. The
    /// instruction holds the compile-time value.
    Field(FieldId, FieldInfo),
}

/// What the back end may do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of stack in a program for slots that may be anywhere; halved as long as
    /// spilled registers don't fit beside them.
    pub slot_budget: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { slot_budget: 320 }
    }
}

/// Why a module can't become BPF: a limit of the machine, or a bug of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Slots that must be on the stack don't fit.
    #[error("function {function}: {size} bytes don't fit on the BPF stack any more")]
    StackFull {
        /// Which.
        function: String,
        /// Of the slot that didn't fit.
        size: u32,
    },
    /// A chain of calls needs too much stack.
    #[error(
        "function {function} and those that it calls need {size} bytes of BPF stack; there are 512"
    )]
    StackTooDeep {
        /// The outermost.
        function: String,
        /// Of the whole chain.
        size: u32,
    },
    /// Scratch memory is one map value, which the kernel limits.
    #[error("program {function} needs {size} bytes of scratch memory; there are {limit}")]
    ScratchFull {
        /// Which.
        function: String,
        /// How much.
        size: u32,
        /// How much there is.
        limit: u32,
    },
    /// Only programs have scratch memory.
    #[error("subprogram {function} needs scratch memory, which only programs have")]
    ScratchInSubprogram {
        /// Which.
        function: String,
    },
    /// A jump over more than 32,767 instructions.
    #[error("function {function} is too long for BPF: a jump over {distance} instructions")]
    JumpTooFar {
        /// Which.
        function: String,
        /// In instructions.
        distance: i64,
    },
    /// A memory access too far from its base.
    #[error("function {function}: an access {offset} bytes from its base")]
    OffsetTooLarge {
        /// Which.
        function: String,
        /// In bytes.
        offset: i64,
    },
    /// Functions call each other in a circle.
    #[error("function {function} calls itself")]
    Recursion {
        /// One of them.
        function: String,
    },
    /// IR that has no instruction; a bug of ours.
    #[error("no instruction for {0}")]
    NotSelectable(String),
    /// The register allocator refused or its checker did; a bug of ours.
    #[error("register allocation failed: {0}")]
    Allocation(String),
}

/// The name of the map that the back end adds for scratch memory. Programs that need more
/// than a per-CPU array gives have one map each, whose name begins so; the loader gives it
/// as many elements as there are processors.
pub const SCRATCH_MAP: &str = "scratch";

/// Compiles all functions. Adds the map `scratch` to the module if programs need it.
pub fn compile(module: &mut Module, options: &Options) -> Result<Code, Error> {
    crate::ir::verify::assert_valid(module, "lowering");
    let order = callees_first(module)?;
    let compiled = match all(module, options, &order, false) {
        Err(Error::ScratchFull { .. }) => all(module, options, &order, true),
        compiled => compiled,
    };
    let (functions, maps) = compiled?;
    module.maps.extend(maps);
    Ok(Code { functions })
}

/// Compiles all functions, and gives the maps of their scratch memory.
fn all(
    module: &Module,
    options: &Options,
    order: &[FunctionId],
    own_scratch: bool,
) -> Result<(Vec<FunctionCode>, Vec<Map>), Error> {
    let mut compiler = Compiler {
        module,
        options,
        code: vec![None; order.len()],
        depths: vec![0; order.len()],
        scratch: Vec::new(),
        own_scratch,
    };
    for f in order {
        compiler.function(*f)?;
    }
    let functions = compiler.code.into_iter().flatten().collect();
    let sizes = compiler.scratch;
    let maps = if own_scratch {
        (0..).zip(&sizes).map(|(i, size)| own_scratch_map(i, *size)).collect()
    } else {
        let size = sizes.iter().max();
        size.map(|size| scratch_map(*size, sizes.len() as u32)).into_iter().collect()
    };
    Ok((functions, maps))
}

struct Compiler<'a> {
    module: &'a Module,
    options: &'a Options,
    /// By function.
    code: Vec<Option<FunctionCode>>,
    /// By function: bytes of stack for it and what it calls.
    depths: Vec<u32>,
    /// Bytes of scratch memory for each program that needs some.
    scratch: Vec<u32>,
    /// Each has a map of its own for it.
    own_scratch: bool,
}

impl Compiler<'_> {
    fn function(&mut self, id: FunctionId) -> Result<(), Error> {
        let function = &self.module.functions[id.index()];
        let below = callees(function).map(|f| self.depths[f.index()]).max().unwrap_or(0);
        let limit = frame::STACK.saturating_sub(below);
        let mut budget = match function.kind {
            FunctionKind::Program { .. } => self.options.slot_budget,
            FunctionKind::Subprogram => limit,
        };
        loop {
            let (code, scratch) = self.attempt(function, budget, limit)?;
            if code.stack <= limit {
                // The verifier counts frames in steps of 32 bytes.
                self.depths[id.index()] = code.stack.next_multiple_of(32).max(32) + below;
                self.scratch.extend((scratch > 0).then_some(scratch));
                self.code[id.index()] = Some(code);
                return Ok(());
            }
            if budget == 0 || function.kind == FunctionKind::Subprogram {
                let (function, size) = (code.name, code.stack + below);
                return Err(Error::StackTooDeep { function, size });
            }
            budget = if budget > 32 { budget / 2 } else { 0 };
        }
    }

    /// Compiles with so many bytes of stack for slots. Also gives the bytes of scratch
    /// memory that are in use.
    fn attempt(
        &self,
        function: &Function,
        budget: u32,
        limit: u32,
    ) -> Result<(FunctionCode, u32), Error> {
        let (first, known) = (self.module.maps.len() as u32, self.scratch.len() as u32);
        let (map, source) = match self.own_scratch {
            true => (MapId(first + known), frame::Source::Own),
            false => (MapId(first), frame::Source::Shared { element: known }),
        };
        let mut frame = frame::place(function, budget, limit, source)?;
        let mut function = function.clone();
        if frame.scratch > 0 {
            frame::use_scratch(&mut function, &mut frame, map, source);
        }
        let prepared = prepare::prepare(function);
        let mut mach = select::select(&prepared, self.module)?;
        renumber::renumber(&mut mach);
        let output = regalloc::allocate(&mach)?;
        let function = prepared.function;
        let emitted = emit::emit(&function.name, &mach, &output, &frame)?;
        let code = FunctionCode {
            name: function.name,
            kind: function.kind,
            params: function.params.len(),
            insns: emitted.insns,
            relocations: emitted.relocations,
            spans: emitted.spans,
            stack: frame.stack + 8 * output.num_spillslots as u32,
        };
        Ok((code, frame.scratch))
    }
}

fn scratch_map(size: u32, entries: u32) -> Map {
    let int = LayoutField {
        name: "key".into(),
        offset: 0,
        kind: LayoutKind::Int { bytes: 4, signed: false },
    };
    let words = LayoutField { name: "words".into(), offset: 0, kind: LayoutKind::Words(size / 8) };
    Map {
        name: SCRATCH_MAP.into(),
        kind: MapKind::PercpuArray,
        key: Some(Layout { size: 4, align: 4, fields: vec![int] }),
        value: Some(Layout { size, align: 8, fields: vec![words] }),
        entries,
        flags: 0,
    }
}

fn own_scratch_map(number: u32, size: u32) -> Map {
    let name = format!("{SCRATCH_MAP}_{number}");
    Map { name, kind: MapKind::Array, ..scratch_map(size, 1) }
}

/// The functions that one calls or hands out as a callback.
fn callees(function: &Function) -> impl Iterator<Item = FunctionId> {
    function.blocks.iter().flat_map(|b| &b.insts).filter_map(|i| match &i.op {
        Op::Call(f, _) | Op::Function(f) => Some(*f),
        _ => None,
    })
}

/// All functions, those that are called before those that call them.
fn callees_first(module: &Module) -> Result<Vec<FunctionId>, Error> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let n = module.functions.len();
    let mut state = vec![State::New; n];
    let mut order = Vec::with_capacity(n);
    for root in 0..n {
        let mut stack = vec![(root, false)];
        while let Some((f, done)) = stack.pop() {
            if done {
                state[f] = State::Done;
                order.push(FunctionId(f as u32));
                continue;
            }
            match state[f] {
                State::Done => continue,
                State::Open => {
                    let function = module.functions[f].name.clone();
                    return Err(Error::Recursion { function });
                }
                State::New => {}
            }
            state[f] = State::Open;
            stack.push((f, true));
            let called = callees(&module.functions[f]).map(|g| g.index());
            stack.extend(called.filter(|g| state[*g] != State::Done).map(|g| (g, false)));
        }
    }
    Ok(order)
}
