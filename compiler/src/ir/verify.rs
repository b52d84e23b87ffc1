//! Proves that IR is what the rest of the compiler takes it for.
//!
//! In: a [`Module`]. Out: nothing, or what is wrong with it. A failure is a bug of
//! ours, never the user's: [`assert_valid`] stops with the IR printed.
//!
//! Checked are single definitions and their dominance over uses, the types of operands
//! and results, block arguments, terminators, alignment in slots, and that every id is
//! in range. Not checked is what the kernel's verifier decides: bounds, null checks,
//! initialisation.

use super::cfg::Cfg;
use super::{
    BinOp, Block, BlockId, Cond, Function, FunctionId, FunctionKind, Inst, Module, Offset, Op,
    Target, Terminator, Type, UnOp, Value, Width,
};
use std::collections::HashSet;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct VerifyError {
    /// Function, block and instruction.
    pub place: String,
    /// In words.
    pub problem: String,
}

/// Checks a module.
pub fn verify(module: &Module) -> Result<(), VerifyError> {
    let mut maps = HashSet::new();
    let mut functions = HashSet::new();
    let twice = |name: &str| VerifyError {
        place: "module".into(),
        problem: format!("the name {name} is used twice"),
    };
    for map in &module.maps {
        if !maps.insert(&map.name) {
            return Err(twice(&map.name));
        }
    }
    for function in &module.functions {
        if !functions.insert(&function.name) {
            return Err(twice(&function.name));
        }
        verify_function(function, module)?;
    }
    Ok(())
}

/// Stops the compiler if a module is invalid after `stage`. Debug builds only.
pub fn assert_valid(module: &Module, stage: &str) {
    if cfg!(debug_assertions)
        && let Err(e) = verify(module)
    {
        panic!("invalid IR after {stage}: {e}\n{module}");
    }
}

/// Stops the compiler if a module's `i`th function is invalid after `stage`. Debug builds only.
pub fn assert_function_valid(module: &Module, i: usize, stage: &str) {
    if cfg!(debug_assertions)
        && let Err(e) = verify_function(&module.functions[i], module)
    {
        panic!("invalid IR after {stage}: {e}\n{module}");
    }
}

/// Checks one function of a module.
pub fn verify_function(function: &Function, module: &Module) -> Result<(), VerifyError> {
    let mut checker = Checker { function, module, place: Place::Function, defs: Vec::new() };
    checker.function().map_err(|problem| {
        let name = &function.name;
        let place = match checker.place {
            Place::Function => format!("@{name}"),
            Place::Inst(b, i) => format!("@{name} b{b}, instruction {i}"),
            Place::Terminator(b) => format!("@{name} b{b}, terminator"),
        };
        VerifyError { place, problem }
    })
}

type Check = Result<(), String>;

/// Where a value is defined.
#[derive(Clone, Copy)]
struct Def {
    block: BlockId,
    /// Index of the instruction plus one; 0 for parameters.
    index: usize,
}

/// What is being looked at.
enum Place {
    Function,
    /// Block and index.
    Inst(usize, usize),
    Terminator(usize),
}

struct Checker<'a> {
    function: &'a Function,
    module: &'a Module,
    place: Place,
    /// By value.
    defs: Vec<Option<Def>>,
}

fn require(ok: bool, problem: impl FnOnce() -> String) -> Check {
    if ok { Ok(()) } else { Err(problem()) }
}

impl Checker<'_> {
    fn function(&mut self) -> Check {
        self.signature()?;
        self.definitions()?;
        let cfg = Cfg::new(self.function);
        require(cfg.preds[BlockId(0)].is_empty(), || "something jumps to the entry block".into())?;
        let dominance = Dominance::new(&cfg);
        for (b, block) in self.function.blocks.iter().enumerate() {
            let id = BlockId(b as u32);
            for (i, inst) in block.insts.iter().enumerate() {
                self.place = Place::Inst(b, i);
                self.inst(inst)?;
                if cfg.is_reachable(id) {
                    let mut result = Ok(());
                    inst.for_each_use(|v| {
                        if result.is_ok() {
                            result = self.dominates(v, id, i + 1, &dominance);
                        }
                    });
                    result?;
                }
            }
            self.place = Place::Terminator(b);
            self.terminator(block)?;
            if cfg.is_reachable(id) {
                let mut result = Ok(());
                block.term.for_each_use(|v| {
                    if result.is_ok() {
                        result = self.dominates(v, id, usize::MAX, &dominance);
                    }
                });
                result?;
            }
        }
        Ok(())
    }

    fn signature(&self) -> Check {
        let f = self.function;
        require(!f.blocks.is_empty(), || "there is no block".into())?;
        require(f.blocks[0].params.is_empty(), || "the entry block has parameters".into())?;
        require(f.params.len() <= 5, || "there are more than five parameters".into())?;
        if let FunctionKind::Program { .. } = f.kind {
            let ok = matches!(f.params[..], [v] if f.values.get(v.index()) == Some(&Type::Ptr));
            require(ok, || "a program has one parameter, a ptr".into())?;
        }
        for (i, s) in f.slots.iter().enumerate() {
            require(s.size > 0, || format!("slot ${i} is empty"))?;
            require(matches!(s.align, 1 | 2 | 4 | 8), || format!("slot ${i} has a wrong align"))?;
        }
        for (block, _) in f.blocks.iter().flat_map(|b| b.term.targets()).map(|t| (t.block, t)) {
            require(block.index() < f.blocks.len(), || format!("b{} doesn't exist", block.0))?;
        }
        Ok(())
    }

    fn definitions(&mut self) -> Check {
        self.defs = vec![None; self.function.values.len()];
        let entry = Def { block: BlockId(0), index: 0 };
        self.function.params.iter().try_for_each(|v| self.define(*v, entry))?;
        for (b, block) in (0..).map(BlockId).zip(&self.function.blocks) {
            let start = Def { block: b, index: 0 };
            block.params.iter().try_for_each(|v| self.define(*v, start))?;
            for (i, inst) in block.insts.iter().enumerate() {
                if let Some(v) = inst.result {
                    self.define(v, Def { block: b, index: i + 1 })?;
                }
            }
        }
        Ok(())
    }

    fn define(&mut self, v: Value, def: Def) -> Check {
        match self.defs.get_mut(v.index()) {
            None => Err(format!("{v} has no type")),
            Some(Some(_)) => Err(format!("{v} is defined twice")),
            Some(d) => {
                *d = Some(def);
                Ok(())
            }
        }
    }

    fn dominates(&self, v: Value, block: BlockId, index: usize, dominance: &Dominance) -> Check {
        let def = self.defs.get(v.index()).copied().flatten();
        let def = def.ok_or_else(|| format!("{v} is not defined"))?;
        let ok = if def.block == block {
            def.index < index
        } else {
            dominance.dominates(def.block, block)
        };
        require(ok, || format!("{v} is not defined on every way here"))
    }

    // --------------------------------------------------------------- types

    fn ty(&self, v: Value) -> Result<Type, String> {
        self.function.values.get(v.index()).copied().ok_or_else(|| format!("{v} has no type"))
    }

    fn is(&self, v: Value, ty: Type) -> Check {
        let actual = self.ty(v)?;
        require(actual == ty, || format!("{v} is {}, not {}", actual.name(), ty.name()))
    }

    fn constant(&self, v: Value) -> Option<i64> {
        let def = self.defs.get(v.index()).copied().flatten()?;
        let insts = &self.function.blocks[def.block.index()].insts;
        match insts.get(def.index.checked_sub(1)?)?.op {
            Op::Const(n) => Some(n),
            _ => None,
        }
    }

    fn comparison(&self, cond: Cond, a: Value, b: Value) -> Check {
        match (self.ty(a)?, self.ty(b)?) {
            (Type::I64, Type::I64) => Ok(()),
            (Type::Ptr, Type::I64) if self.constant(b) == Some(0) => {
                require(matches!(cond, Cond::Eq | Cond::Ne), || "a ptr has no order".into())
            }
            _ => Err("a ptr is compared with something else than 0".into()),
        }
    }

    fn access(&self, base: Value, offset: i32, width: Width) -> Check {
        self.is(base, Type::Ptr)?;
        // The kernel insists on it for the stack, where most slots are.
        let def = self.defs.get(base.index()).copied().flatten();
        let inst = def
            .and_then(|d| self.function.blocks[d.block.index()].insts.get(d.index.checked_sub(1)?));
        let ok = !matches!(inst, Some(Inst { op: Op::Slot(_), .. }))
            || offset.rem_euclid(width.bytes() as i32) == 0;
        require(ok, || {
            format!("an unaligned access of a slot, {} bytes at {offset}", width.bytes())
        })
    }

    fn atomic(&self, base: Value, offset: i32, width: Width) -> Check {
        let ok = matches!(width, Width::W32 | Width::W64);
        require(ok, || "atomics have 32 or 64 bits".into())?;
        self.access(base, offset, width)
    }

    fn args(&self, args: &[Value]) -> Check {
        require(args.len() <= 5, || "there are more than five arguments".into())?;
        args.iter().try_for_each(|v| self.ty(*v).map(drop))
    }

    fn subprogram(&self, f: FunctionId) -> Result<&Function, String> {
        let f = self.module.functions.get(f.index());
        let f = f.ok_or("the function doesn't exist")?;
        require(f.kind == FunctionKind::Subprogram, || format!("@{} is no subprogram", f.name))?;
        Ok(f)
    }

    fn exists(index: usize, len: usize, what: &str) -> Check {
        require(index < len, || format!("{what} {index} doesn't exist"))
    }

    fn inst(&self, inst: &Inst) -> Check {
        self.op(&inst.op)?;
        let has_result =
            !matches!(inst.op, Op::Store { .. } | Op::AtomicAdd { .. } | Op::CallKernel(_));
        match inst.result {
            Some(v) if has_result => {
                let ty = self.ty(v)?;
                let usual = inst.op.usual_type(|v| self.ty(v).unwrap_or(Type::I64));
                let may_differ = match &inst.op {
                    Op::Load { width, signed, .. } => *width == Width::W64 && !signed,
                    Op::Helper(h, _) => h.name().is_none(),
                    _ => false,
                };
                require(ty == usual || may_differ, || format!("{v} can't be {}", ty.name()))
            }
            Some(v) => Err(format!("{v} is the result of something that has none")),
            None => require(!has_result, || "the result is missing".into()),
        }
    }

    fn op(&self, op: &Op) -> Check {
        match op {
            Op::Const(_) => Ok(()),
            Op::Binary(op, a, b) => match (op, self.ty(*a)?, self.ty(*b)?) {
                (_, Type::I64, Type::I64) => Ok(()),
                (BinOp::Add, Type::Ptr, Type::I64) | (BinOp::Add, Type::I64, Type::Ptr) => Ok(()),
                (BinOp::Sub, Type::Ptr, _) => Ok(()),
                _ => Err(format!("{} on a ptr", op.name())),
            },
            Op::Unary(UnOp::Address, _) => Ok(()),
            Op::Unary(_, a) => self.is(*a, Type::I64),
            Op::Compare(cond, a, b) => self.comparison(*cond, *a, *b),
            Op::Load { width, base, offset, .. } => {
                let offset = match offset {
                    Offset::Bytes(n) => *n,
                    Offset::Field(f) => {
                        Self::exists(f.index(), self.module.fields.len(), "field")?;
                        0
                    }
                };
                self.access(*base, offset, *width)
            }
            Op::Store { width, base, offset, value } => {
                self.ty(*value)?;
                self.access(*base, *offset, *width)
            }
            Op::AtomicAdd { width, base, offset, value }
            | Op::AtomicFetchAdd { width, base, offset, value } => {
                self.is(*value, Type::I64)?;
                self.atomic(*base, *offset, *width)
            }
            Op::AtomicCompareExchange { width, base, offset, expected, new } => {
                self.is(*expected, Type::I64)?;
                self.is(*new, Type::I64)?;
                self.atomic(*base, *offset, *width)
            }
            Op::FieldInfo(f, _) => Self::exists(f.index(), self.module.fields.len(), "field"),
            Op::Map(m) => Self::exists(m.index(), self.module.maps.len(), "map"),
            Op::Rodata(n) => Self::exists(*n as usize, self.module.rodata.len(), "byte of rodata"),
            Op::Bss(n) => Self::exists(*n as usize, self.module.bss as usize, "byte of bss"),
            Op::FaultPc(_) | Op::KernelFunction(_) | Op::CallKernel(_) => Ok(()),
            Op::Slot(s) => Self::exists(s.index(), self.function.slots.len(), "slot"),
            Op::Function(f) => self.subprogram(*f).map(drop),
            Op::Helper(_, args) => self.args(args),
            Op::Call(f, args) => {
                self.args(args)?;
                let f = self.subprogram(*f)?;
                self.passes(args, &f.params, |v| f.values[v.index()])
            }
        }
    }

    /// Arguments fit parameters, whose types `ty` gives.
    fn passes(&self, args: &[Value], params: &[Value], ty: impl Fn(Value) -> Type) -> Check {
        require(args.len() == params.len(), || {
            format!("{} arguments for {} parameters", args.len(), params.len())
        })?;
        args.iter().zip(params).try_for_each(|(a, p)| self.is(*a, ty(*p)))
    }

    fn target(&self, target: &Target) -> Check {
        let params = &self.function.blocks[target.block.index()].params;
        self.passes(&target.args, params, |v| self.function.values[v.index()])
    }

    fn terminator(&self, block: &Block) -> Check {
        match &block.term {
            Terminator::Missing => return Err("it is missing".into()),
            Terminator::Jump(_) | Terminator::Return(None) => {}
            Terminator::Return(Some(v)) => self.is(*v, Type::I64)?,
            Terminator::Branch { cond, a, b, .. } => self.comparison(*cond, *a, *b)?,
        }
        block.term.targets().try_for_each(|t| self.target(t))
    }
}

/// Answers in constant time whether one block dominates another: by when a walk over
/// the dominator tree enters and leaves each.
struct Dominance {
    enter: Vec<u32>,
    leave: Vec<u32>,
}

impl Dominance {
    fn new(cfg: &Cfg) -> Self {
        let children = cfg.dominator_tree();
        let mut dominance =
            Dominance { enter: vec![0; children.len()], leave: vec![0; children.len()] };
        let mut time = 0;
        let mut stack = vec![(BlockId(0), false)];
        while let Some((b, done)) = stack.pop() {
            time += 1;
            if done {
                dominance.leave[b.index()] = time;
            } else {
                dominance.enter[b.index()] = time;
                stack.push((b, true));
                stack.extend(children[b].iter().map(|c| (*c, false)));
            }
        }
        dominance
    }

    fn dominates(&self, a: BlockId, b: BlockId) -> bool {
        self.enter[a.index()] <= self.enter[b.index()]
            && self.leave[b.index()] <= self.leave[a.index()]
    }
}
