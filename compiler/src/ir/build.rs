//! Builds functions: the one way in which lowering makes IR.
//!
//! In: calls in program order. Out: a [`Function`]. Folds nothing, decides nothing;
//! keeps the current block and the current D span so that callers need not.

use super::{
    BinOp, Block, BlockId, Cond, FieldId, FieldInfo, Function, FunctionId, FunctionKind, Helper,
    Inst, KernelFunction, MapId, Offset, Op, Place, Slot, SlotId, Span, Target, Terminator, Type,
    UnOp, Value, Width,
};

/// A function in the making and a place in it.
#[derive(Debug)]
pub struct Builder {
    function: Function,
    current: BlockId,
    span: Option<Span>,
}

impl Builder {
    /// A function with an empty entry block, which is current.
    pub fn new(name: impl Into<String>, kind: FunctionKind, params: &[Type]) -> Self {
        let function = Function {
            name: name.into(),
            kind,
            params: (0..params.len() as u32).map(Value).collect(),
            values: params.to_vec(),
            slots: Vec::new(),
            blocks: vec![Block::default()],
        };
        Builder { function, current: BlockId(0), span: None }
    }

    /// The finished function.
    pub fn finish(self) -> Function {
        self.function
    }

    /// The n-th parameter.
    pub fn param(&self, n: usize) -> Value {
        self.function.params[n]
    }

    /// The type of a value.
    pub fn type_of(&self, v: Value) -> Type {
        self.function.values[v.index()]
    }

    /// The D text that what follows stands for; gives back the one before.
    pub fn set_span(&mut self, span: Option<Span>) -> Option<Span> {
        std::mem::replace(&mut self.span, span)
    }

    /// The D text that is being lowered.
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    // ------------------------------------------------------------- blocks

    /// A new, empty block with parameters of these types.
    pub fn block(&mut self, params: &[Type]) -> BlockId {
        let params = params.iter().map(|t| self.value(*t)).collect();
        self.function.blocks.push(Block { params, ..Block::default() });
        BlockId(self.function.blocks.len() as u32 - 1)
    }

    /// The n-th parameter of a block.
    pub fn block_param(&self, block: BlockId, n: usize) -> Value {
        self.function.blocks[block.index()].params[n]
    }

    /// What follows goes to the end of `block`.
    pub fn switch_to(&mut self, block: BlockId) {
        self.current = block;
    }

    /// The block that instructions go to.
    pub fn current(&self) -> BlockId {
        self.current
    }

    /// Whether the current block has ended.
    pub fn is_terminated(&self) -> bool {
        self.function.blocks[self.current.index()].term != Terminator::Missing
    }

    fn terminate(&mut self, term: Terminator) {
        let block = &mut self.function.blocks[self.current.index()];
        if block.term == Terminator::Missing {
            block.term = term;
        }
    }

    /// Ends the block: goes to `block`.
    pub fn jump(&mut self, block: BlockId, args: &[Value]) {
        self.terminate(Terminator::Jump(Target { block, args: args.to_vec() }));
    }

    /// Ends the block: `then` if the comparison holds, else `otherwise`.
    pub fn branch(&mut self, cond: Cond, a: Value, b: Value, then: BlockId, otherwise: BlockId) {
        let target = |block| Target { block, args: Vec::new() };
        self.branch_with(cond, a, b, target(then), target(otherwise));
    }

    /// The same with block arguments.
    pub fn branch_with(&mut self, cond: Cond, a: Value, b: Value, then: Target, otherwise: Target) {
        self.terminate(Terminator::Branch { cond, a, b, then, otherwise });
    }

    /// Ends the block: compares with a constant.
    pub fn branch_imm(&mut self, cond: Cond, a: Value, b: i64, then: BlockId, otherwise: BlockId) {
        let b = self.iconst(b);
        self.branch(cond, a, b, then, otherwise);
    }

    /// Ends the function.
    pub fn ret(&mut self, v: Option<Value>) {
        self.terminate(Terminator::Return(v));
    }

    // ------------------------------------------------------- instructions

    fn value(&mut self, ty: Type) -> Value {
        self.function.values.push(ty);
        Value(self.function.values.len() as u32 - 1)
    }

    fn push(&mut self, ty: Option<Type>, op: Op) -> Option<Value> {
        let result = ty.map(|t| self.value(t));
        let span = self.span;
        self.function.blocks[self.current.index()].insts.push(Inst { result, op, span });
        result
    }

    fn def(&mut self, ty: Type, op: Op) -> Value {
        match self.push(Some(ty), op) {
            Some(v) => v,
            None => unreachable!("push gives a value for a type"),
        }
    }

    /// A constant.
    pub fn iconst(&mut self, n: i64) -> Value {
        self.def(Type::I64, Op::Const(n))
    }

    /// `a op b`; pointer plus or minus number stays a pointer.
    pub fn binary(&mut self, op: BinOp, a: Value, b: Value) -> Value {
        let ptr = |v| self.type_of(v) == Type::Ptr;
        let ty = match op {
            BinOp::Add if ptr(a) || ptr(b) => Type::Ptr,
            BinOp::Sub if ptr(a) && !ptr(b) => Type::Ptr,
            _ => Type::I64,
        };
        self.def(ty, Op::Binary(op, a, b))
    }

    /// `a op n`
    pub fn binary_imm(&mut self, op: BinOp, a: Value, n: i64) -> Value {
        let n = self.iconst(n);
        self.binary(op, a, n)
    }

    /// `a + n`, or `a` itself for 0.
    pub fn add_imm(&mut self, a: Value, n: i64) -> Value {
        if n == 0 { a } else { self.binary_imm(BinOp::Add, a, n) }
    }

    /// `op a`
    pub fn unary(&mut self, op: UnOp, a: Value) -> Value {
        self.def(Type::I64, Op::Unary(op, a))
    }

    /// 1 or 0.
    pub fn compare(&mut self, cond: Cond, a: Value, b: Value) -> Value {
        self.def(Type::I64, Op::Compare(cond, a, b))
    }

    /// Loads a number.
    pub fn load(&mut self, width: Width, signed: bool, base: Value, offset: i32) -> Value {
        self.def(Type::I64, Op::Load { width, signed, base, offset: Offset::Bytes(offset) })
    }

    /// Loads a pointer that the verifier knows as one.
    pub fn load_ptr(&mut self, base: Value, offset: i32) -> Value {
        let offset = Offset::Bytes(offset);
        self.def(Type::Ptr, Op::Load { width: Width::W64, signed: false, base, offset })
    }

    /// Loads a kernel field through a trusted pointer.
    pub fn load_field(
        &mut self,
        ty: Type,
        width: Width,
        signed: bool,
        base: Value,
        field: FieldId,
    ) -> Value {
        self.def(ty, Op::Load { width, signed, base, offset: Offset::Field(field) })
    }

    /// Stores the low bytes of a value.
    pub fn store(&mut self, width: Width, base: Value, offset: i32, value: Value) {
        self.push(None, Op::Store { width, base, offset, value });
    }

    /// Stores a constant.
    pub fn store_imm(&mut self, width: Width, base: Value, offset: i32, n: i64) {
        let value = self.iconst(n);
        self.store(width, base, offset, value);
    }

    /// Adds atomically.
    pub fn atomic_add(&mut self, width: Width, base: Value, offset: i32, value: Value) {
        self.push(None, Op::AtomicAdd { width, base, offset, value });
    }

    /// Adds atomically; the old content.
    pub fn atomic_fetch_add(
        &mut self,
        width: Width,
        base: Value,
        offset: i32,
        value: Value,
    ) -> Value {
        self.def(Type::I64, Op::AtomicFetchAdd { width, base, offset, value })
    }

    /// Compares and exchanges atomically; the old content.
    pub fn atomic_compare_exchange(
        &mut self,
        width: Width,
        base: Value,
        offset: i32,
        expected: Value,
        new: Value,
    ) -> Value {
        let op = Op::AtomicCompareExchange { width, base, offset, expected, new };
        self.def(Type::I64, op)
    }

    /// A fact about a kernel field.
    pub fn field_info(&mut self, field: FieldId, info: FieldInfo) -> Value {
        self.def(Type::I64, Op::FieldInfo(field, info))
    }

    /// A map.
    pub fn map(&mut self, map: MapId) -> Value {
        self.def(Type::Ptr, Op::Map(map))
    }

    /// An address in `.rodata`.
    pub fn rodata(&mut self, offset: u32) -> Value {
        self.def(Type::Ptr, Op::Rodata(offset))
    }

    /// Where a fault site raises.
    pub fn fault_pc(&mut self, site: u32) -> Value {
        self.def(Type::I64, Op::FaultPc(site))
    }

    /// An address in `.bss`.
    pub fn bss(&mut self, offset: u32) -> Value {
        self.def(Type::Ptr, Op::Bss(offset))
    }

    /// New memory of the function.
    pub fn slot(&mut self, size: u32, align: u32, place: Place) -> SlotId {
        self.function.slots.push(Slot { size, align, place });
        SlotId(self.function.slots.len() as u32 - 1)
    }

    /// Makes a slot at least so large.
    pub fn grow_slot(&mut self, slot: SlotId, size: u32) {
        let slot = &mut self.function.slots[slot.index()];
        slot.size = slot.size.max(size);
    }

    /// Its address.
    pub fn slot_addr(&mut self, slot: SlotId) -> Value {
        self.def(Type::Ptr, Op::Slot(slot))
    }

    /// The address of a function.
    pub fn function_addr(&mut self, f: FunctionId) -> Value {
        self.def(Type::Ptr, Op::Function(f))
    }

    /// Calls a helper.
    pub fn helper(&mut self, helper: Helper, args: &[Value]) -> Value {
        let ty = if helper.returns_pointer() { Type::Ptr } else { Type::I64 };
        self.def(ty, Op::Helper(helper, args.to_vec()))
    }

    /// Calls a function of the kernel, if it is there.
    pub fn call_kernel(&mut self, function: KernelFunction) {
        let (there, next) = (self.block(&[]), self.block(&[]));
        let address = self.def(Type::Ptr, Op::KernelFunction(function));
        self.branch_imm(Cond::Ne, address, 0, there, next);
        self.switch_to(there);
        self.push(None, Op::CallKernel(function));
        self.jump(next, &[]);
        self.switch_to(next);
    }

    /// Calls a subprogram.
    pub fn call(&mut self, f: FunctionId, args: &[Value]) -> Value {
        self.def(Type::I64, Op::Call(f, args.to_vec()))
    }
}
