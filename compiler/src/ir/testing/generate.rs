//! Makes programs that are valid by construction.
//!
//! In: [`Stmt`]s, as [`super::random`] makes them. Out: a module with one program that executes them. Operands
//! are numbers that select, modulo how many there are, one of the values in scope, so
//! that any statement makes sense anywhere and shrinking always gives a valid program.

use crate::ir::build::Builder;
use crate::ir::{
    BinOp, Cond, Field, FieldId, FieldInfo, FunctionId, FunctionKind, Helper, Layout, Map, MapId,
    MapKind, Module, Place, SlotId, Target, Type, UnOp, Value, Width,
};

/// Words of `.bss` that programs write their results to.
pub const OUTPUTS: u32 = 16;

/// Selects a value in scope.
pub type Pick = u8;

/// One statement; those with results add to the values in scope.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each stands for the operation of its name")]
pub enum Stmt {
    Const(i64),
    Binary(BinOp, Pick, Pick),
    BinaryImm(BinOp, Pick, i64),
    BinaryConst(BinOp, i64, i64),
    Unary(UnOp, Pick),
    Compare(Cond, Pick, Pick),
    CompareImm(Cond, Pick, i64),
    Context(Width, bool, u8),
    Field(FieldInfo),
    FieldLoad,
    Rodata(u8),
    /// New memory of so many words, set to a value.
    Slot(u8, Place, Pick),
    Load(Pick, Width, bool, u8),
    /// At an offset that a value gives.
    LoadIndexed(Pick, Pick),
    Store(Pick, Width, u8, Pick),
    StoreImm(Pick, Width, u8, i64),
    AtomicAdd(Pick, Width, Pick),
    FetchAdd(Pick, Width, Pick),
    CompareExchange(Pick, Width, Pick, Pick),
    /// From an address that no kernel memory has.
    ProbeRead(Pick, Pick),
    /// To the first slot from the second.
    Copy(Pick, Pick),
    /// A record of two values.
    Record(Pick, Pick),
    Signal,
    Pid,
    Output(u8, Pick),
    Call(Pick, Pick),
    Repeat(u8, Pick),
    Lookup(Pick, Vec<Stmt>),
    /// An element's content, or a number where there is none. The keys of this and of the next
    /// two lie in one place.
    Find(Pick),
    Insert(Pick, Pick),
    Delete(Pick),
    If(Cond, Pick, Pick, Vec<Stmt>, Vec<Stmt>),
    IfImm(Cond, Pick, i64, Vec<Stmt>, Vec<Stmt>),
    /// `if (a == 0 && b < 3)`, by way of a 0 or 1 as `&&` gives it.
    IfBoth(Pick, Pick, Vec<Stmt>),
    Loop(u8, Vec<Stmt>),
    /// `if (a < 4) { ...; slot[a] }`: what the kernel's verifier must know of `a` in
    /// front of the statements, it must know behind them.
    Guarded(Pick, Pick, Vec<Stmt>),
}

impl Stmt {
    /// The statements in it.
    pub fn bodies(&mut self) -> Vec<&mut Vec<Stmt>> {
        match self {
            Stmt::If(.., then, otherwise) | Stmt::IfImm(.., then, otherwise) => {
                vec![then, otherwise]
            }
            Stmt::Lookup(_, body)
            | Stmt::IfBoth(.., body)
            | Stmt::Loop(_, body)
            | Stmt::Guarded(.., body) => vec![body],
            _ => Vec::new(),
        }
    }
}

/// Makes the module.
pub fn module(stmts: &[Stmt]) -> Module {
    let int = |size| Some(Layout { size, align: size, fields: Vec::new() });
    let field = Field {
        module: None,
        root: 1,
        path: vec![2],
        name: "s.f".into(),
        offset: 16,
        size: 4,
        signed: true,
        bits: Some(crate::ir::Bits { offset: 3, size: 5 }),
    };
    let map = Map {
        name: "table".into(),
        kind: MapKind::Hash,
        key: int(8),
        value: int(8),
        entries: 16,
        flags: 0,
    };
    let records = Map {
        name: "records".into(),
        kind: MapKind::Ringbuf,
        key: None,
        value: None,
        entries: 4096,
        flags: 0,
    };
    let mut b =
        Builder::new("main", FunctionKind::Program { section: "raw_tp".into() }, &[Type::Ptr]);
    let context = b.param(0);
    let first = b.load(Width::W64, false, context, 0);
    let key = b.slot(8, 8, Place::Any);
    let mut maker = Maker { b, context, values: vec![first], slots: Vec::new(), key };
    maker.block(stmts);
    // Whatever is still in scope is seen.
    for (i, v) in maker.values.clone().into_iter().rev().take(8).enumerate() {
        maker.output(i as u8, v);
    }
    let last = maker.pick(255);
    maker.b.ret(Some(last));
    let functions = vec![maker.b.finish(), mix(), step()];
    Module {
        maps: vec![map, records],
        fields: vec![field],
        rodata: (0..64).collect(),
        bss: OUTPUTS * 8,
        functions,
    }
}

/// `mix(a, b)`: some arithmetic by way of memory.
fn mix() -> crate::ir::Function {
    let mut b = Builder::new("mix", FunctionKind::Subprogram, &[Type::I64, Type::I64]);
    let slot = b.slot(16, 8, Place::Any);
    let (x, y, at) = (b.param(0), b.param(1), b.slot_addr(slot));
    b.store(Width::W64, at, 0, x);
    b.store(Width::W64, at, 8, y);
    let half = b.load(Width::W32, true, at, 12);
    let sum = b.binary(BinOp::Add, half, x);
    b.ret(Some(sum));
    b.finish()
}

/// `step(i, p)`: adds to `*p`; stops at 3.
fn step() -> crate::ir::Function {
    let mut b = Builder::new("step", FunctionKind::Subprogram, &[Type::I64, Type::Ptr]);
    let (i, p) = (b.param(0), b.param(1));
    let old = b.load(Width::W64, false, p, 0);
    let by = b.binary_imm(BinOp::Mul, i, 7);
    let sum = b.binary(BinOp::Add, old, by);
    b.store(Width::W64, p, 0, sum);
    let three = b.iconst(3);
    let stop = b.compare(Cond::Eq, i, three);
    b.ret(Some(stop));
    b.finish()
}

struct Maker {
    b: Builder,
    context: Value,
    values: Vec<Value>,
    /// With their address where they were made, and their size.
    slots: Vec<(SlotId, Value, u32)>,
    /// Where keys are made.
    key: SlotId,
}

impl Maker {
    fn pick(&self, n: Pick) -> Value {
        self.values[usize::from(n) % self.values.len()]
    }

    /// Address and size of a slot.
    fn slot(&mut self, n: Pick) -> Option<(Value, u32)> {
        let len = self.slots.len();
        if len == 0 {
            return None;
        }
        let (slot, at, size) = self.slots[usize::from(n) % len];
        let again = usize::from(n) / len % 2 == 1;
        Some((if again { self.b.slot_addr(slot) } else { at }, size))
    }

    fn output(&mut self, i: u8, v: Value) {
        let at = self.b.bss(u32::from(i) % OUTPUTS * 8);
        self.b.store(Width::W64, at, 0, v);
    }

    fn block(&mut self, stmts: &[Stmt]) {
        stmts.iter().for_each(|s| self.stmt(s));
    }

    /// A block of statements whose values and slots end with it; gives its last value.
    fn scope(&mut self, stmts: &[Stmt]) -> Value {
        let (values, slots) = (self.values.len(), self.slots.len());
        self.block(stmts);
        let last = self.pick(self.values.len() as u8 - 1);
        self.values.truncate(values);
        self.slots.truncate(slots);
        last
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Slot(..)
            | Stmt::Load(..)
            | Stmt::LoadIndexed(..)
            | Stmt::Store(..)
            | Stmt::StoreImm(..)
            | Stmt::AtomicAdd(..)
            | Stmt::FetchAdd(..)
            | Stmt::CompareExchange(..)
            | Stmt::ProbeRead(..)
            | Stmt::Copy(..) => {
                let v = self.memory(stmt);
                self.values.extend(v);
            }
            Stmt::Lookup(..)
            | Stmt::Find(_)
            | Stmt::Insert(..)
            | Stmt::Delete(_)
            | Stmt::Record(..)
            | Stmt::If(..)
            | Stmt::IfImm(..)
            | Stmt::IfBoth(..)
            | Stmt::Guarded(..)
            | Stmt::Loop(..) => {
                self.flow(stmt);
            }
            Stmt::Output(i, v) => self.output(*i, self.pick(*v)),
            _ => {
                let v = self.value(stmt);
                self.values.push(v);
            }
        }
        // Picks are bytes.
        if self.values.len() > 200 {
            self.values.truncate(200);
        }
    }

    fn value(&mut self, stmt: &Stmt) -> Value {
        match stmt {
            Stmt::Const(n) => self.b.iconst(*n),
            Stmt::Binary(op, x, y) => self.b.binary(*op, self.pick(*x), self.pick(*y)),
            Stmt::BinaryImm(op, x, n) => self.b.binary_imm(*op, self.pick(*x), *n),
            Stmt::BinaryConst(op, m, n) => {
                let m = self.b.iconst(*m);
                self.b.binary_imm(*op, m, *n)
            }
            Stmt::Unary(op, x) => self.b.unary(*op, self.pick(*x)),
            Stmt::Compare(cond, x, y) => self.b.compare(*cond, self.pick(*x), self.pick(*y)),
            Stmt::CompareImm(cond, x, n) => {
                let n = self.b.iconst(*n);
                self.b.compare(*cond, self.pick(*x), n)
            }
            Stmt::Context(w, signed, off) => {
                // The kernel wants it aligned.
                let off = u32::from(*off) * w.bytes() % 64;
                self.b.load(*w, *signed, self.context, off as i32)
            }
            Stmt::Field(info) => self.b.field_info(FieldId(0), *info),
            Stmt::FieldLoad => {
                self.b.load_field(Type::I64, Width::W32, true, self.context, FieldId(0))
            }
            Stmt::Rodata(off) => {
                let at = self.b.rodata(u32::from(*off) % 56);
                self.b.load(Width::W64, false, at, 0)
            }
            Stmt::Signal => {
                // The one that only asks whether it could be sent.
                let none = self.b.iconst(0);
                self.b.helper(Helper::SEND_SIGNAL, &[none])
            }
            Stmt::Pid => self.b.helper(Helper::GET_CURRENT_PID_TGID, &[]),
            Stmt::Call(x, y) => {
                let args = [self.pick(*x), self.pick(*y)];
                self.b.call(FunctionId(1), &args)
            }
            Stmt::Repeat(n, v) => {
                let slot = self.b.slot(8, 8, Place::Stack);
                let at = self.b.slot_addr(slot);
                self.b.store(Width::W64, at, 0, self.pick(*v));
                let (n, zero) = (self.b.iconst((*n).into()), self.b.iconst(0));
                let f = self.b.function_addr(FunctionId(2));
                let rounds = self.b.helper(Helper::LOOP, &[n, f, at, zero]);
                let sum = self.b.load(Width::W64, false, at, 0);
                self.b.binary(BinOp::Add, rounds, sum)
            }
            _ => unreachable!("handled by its own function"),
        }
    }

    fn memory(&mut self, stmt: &Stmt) -> Option<Value> {
        // The kernel wants accesses of the stack aligned.
        let within = |size: u32, w: Width, off: u8| (u32::from(off) * w.bytes() % size) as i32;
        match stmt {
            Stmt::Slot(words, place, v) => {
                let size = u32::from(*words) * 8;
                let slot = self.b.slot(size, 8, *place);
                let at = self.b.slot_addr(slot);
                for off in (0..size as i32).step_by(8) {
                    self.b.store(Width::W64, at, off, self.pick(*v));
                }
                self.slots.push((slot, at, size));
                None
            }
            Stmt::Load(s, w, signed, off) => {
                let (at, size) = self.slot(*s)?;
                Some(self.b.load(*w, *signed, at, within(size, *w, *off)))
            }
            Stmt::LoadIndexed(s, v) => {
                let (at, _) = self.slot(*s)?;
                let index = self.b.binary_imm(BinOp::And, self.pick(*v), 2);
                let at = self.b.binary(BinOp::Add, index, at);
                let at = self.b.add_imm(at, 2);
                Some(self.b.load(Width::W16, true, at, 2))
            }
            Stmt::Store(s, w, off, v) => {
                let (at, size) = self.slot(*s)?;
                self.b.store(*w, at, within(size, *w, *off), self.pick(*v));
                None
            }
            Stmt::StoreImm(s, w, off, n) => {
                let (at, size) = self.slot(*s)?;
                self.b.store_imm(*w, at, within(size, *w, *off), *n);
                None
            }
            Stmt::AtomicAdd(s, w, v) => {
                let (at, size) = self.slot(*s)?;
                self.b.atomic_add(*w, at, within(size, *w, *v), self.pick(*v));
                None
            }
            Stmt::FetchAdd(s, w, v) => {
                let (at, size) = self.slot(*s)?;
                let v = (within(size, *w, *v), self.pick(*v));
                Some(self.b.atomic_fetch_add(*w, at, v.0, v.1))
            }
            Stmt::CompareExchange(s, w, e, n) => {
                let (at, size) = self.slot(*s)?;
                let (expected, new) = (self.pick(*e), self.pick(*n));
                let off = within(size, *w, *e);
                Some(self.b.atomic_compare_exchange(*w, at, off, expected, new))
            }
            Stmt::ProbeRead(s, v) => {
                let (at, size) = self.slot(*s)?;
                let size = self.b.iconst(size.into());
                // Without its highest bit: what lies in the kernel's part may change.
                let from = self.b.binary_imm(BinOp::LShr, self.pick(*v), 1);
                Some(self.b.helper(Helper::PROBE_READ_KERNEL, &[at, size, from]))
            }
            Stmt::Copy(to, from) => {
                let ((to, size), (from, most)) = (self.slot(*to)?, self.slot(*from)?);
                let size = self.b.iconst(size.min(most).into());
                Some(self.b.helper(Helper::PROBE_READ_KERNEL, &[to, size, from]))
            }
            _ => unreachable!("handled by its own function"),
        }
    }

    fn flow(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Lookup(key, body) => self.lookup(self.pick(*key), body),
            Stmt::Find(key) => self.find(*key),
            Stmt::Insert(key, v) => {
                let at = self.key(*key);
                let slot = self.b.slot(8, 8, Place::Any);
                let value = self.b.slot_addr(slot);
                self.b.store(Width::W64, value, 0, self.pick(*v));
                let (map, flags) = (self.b.map(MapId(0)), self.b.iconst(0));
                self.b.helper(Helper::MAP_UPDATE_ELEM, &[map, at, value, flags]);
            }
            Stmt::Delete(key) => {
                let at = self.key(*key);
                let map = self.b.map(MapId(0));
                self.b.helper(Helper::MAP_DELETE_ELEM, &[map, at]);
            }
            Stmt::If(cond, x, y, then, otherwise) => {
                let (x, y) = (self.pick(*x), self.pick(*y));
                self.choice(*cond, x, y, then, otherwise);
            }
            Stmt::IfImm(cond, x, n, then, otherwise) => {
                let n = self.b.iconst(*n);
                self.choice(*cond, self.pick(*x), n, then, otherwise);
            }
            Stmt::IfBoth(x, y, then) => {
                let (more, decided) = (self.b.block(&[]), self.b.block(&[Type::I64]));
                let (no, yes, three) = (self.b.iconst(0), self.b.iconst(1), self.b.iconst(3));
                let to = |args: &[Value]| Target { block: decided, args: args.to_vec() };
                let first = Target { block: more, args: Vec::new() };
                self.b.branch_with(Cond::Eq, self.pick(*x), no, first, to(&[no]));
                self.b.switch_to(more);
                self.b.branch_with(Cond::ULt, self.pick(*y), three, to(&[yes]), to(&[no]));
                self.b.switch_to(decided);
                let both = self.b.block_param(decided, 0);
                self.choice(Cond::Ne, both, no, then, &[]);
            }
            Stmt::Record(x, y) => self.record(self.pick(*x), self.pick(*y)),
            Stmt::Loop(n, body) => self.repeat(*n, body),
            Stmt::Guarded(index, slot, body) => self.guarded(self.pick(*index), *slot, body),
            _ => unreachable!("handled by its own function"),
        }
    }

    fn choice(&mut self, cond: Cond, x: Value, y: Value, then: &[Stmt], otherwise: &[Stmt]) {
        let (yes, no) = (self.b.block(&[]), self.b.block(&[]));
        let join = self.b.block(&[Type::I64]);
        self.b.branch(cond, x, y, yes, no);
        for (block, stmts) in [(yes, then), (no, otherwise)] {
            self.b.switch_to(block);
            let v = self.scope(stmts);
            self.b.jump(join, &[v]);
        }
        self.b.switch_to(join);
        self.values.push(self.b.block_param(join, 0));
    }

    fn lookup(&mut self, key: Value, body: &[Stmt]) {
        let slot = self.b.slot(8, 8, Place::Any);
        let at = self.b.slot_addr(slot);
        self.b.store(Width::W64, at, 0, key);
        let map = self.b.map(MapId(0));
        let found = self.b.helper(Helper::MAP_LOOKUP_ELEM, &[map, at]);
        let (some, join) = (self.b.block(&[]), self.b.block(&[Type::I64]));
        let none = self.b.iconst(0);
        let target = |block, args: &[Value]| Target { block, args: args.to_vec() };
        self.b.branch_with(Cond::Ne, found, none, target(some, &[]), target(join, &[key]));
        self.b.switch_to(some);
        let old = self.b.load(Width::W64, false, found, 0);
        self.values.push(old);
        let v = self.scope(body);
        self.values.pop();
        self.b.store(Width::W64, found, 0, v);
        self.b.jump(join, &[old]);
        self.b.switch_to(join);
        self.values.push(self.b.block_param(join, 0));
    }

    /// Makes a key of two halves, one of a few, in the place that all keys share.
    fn key(&mut self, n: Pick) -> Value {
        let at = self.b.slot_addr(self.key);
        self.b.store(Width::W32, at, 0, self.pick(n));
        self.b.store_imm(Width::W32, at, 4, i64::from(n % 2));
        at
    }

    fn find(&mut self, n: Pick) {
        let at = self.key(n);
        let map = self.b.map(MapId(0));
        let found = self.b.helper(Helper::MAP_LOOKUP_ELEM, &[map, at]);
        let (some, join) = (self.b.block(&[]), self.b.block(&[Type::I64]));
        let none = self.b.iconst(0);
        let target = |block, args: &[Value]| Target { block, args: args.to_vec() };
        self.b.branch_with(Cond::Ne, found, none, target(some, &[]), target(join, &[none]));
        self.b.switch_to(some);
        let content = self.b.load(Width::W64, false, found, 0);
        self.b.jump(join, &[content]);
        self.b.switch_to(join);
        self.values.push(self.b.block_param(join, 0));
    }

    fn record(&mut self, x: Value, y: Value) {
        let (map, size) = (self.b.map(MapId(1)), self.b.iconst(16));
        let none = self.b.iconst(0);
        let record = self.b.helper(Helper::RINGBUF_RESERVE, &[map, size, none]);
        let (some, join) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch(Cond::Ne, record, none, some, join);
        self.b.switch_to(some);
        self.b.store(Width::W64, record, 0, x);
        self.b.store(Width::W64, record, 8, y);
        self.b.helper(Helper::RINGBUF_SUBMIT, &[record, none]);
        self.b.jump(join, &[]);
        self.b.switch_to(join);
    }

    fn guarded(&mut self, index: Value, slot: Pick, body: &[Stmt]) {
        let Some((at, _)) = self.slot(slot) else { return };
        let (inside, join) = (self.b.block(&[]), self.b.block(&[Type::I64]));
        let four = self.b.iconst(4);
        let target = |block, args: &[Value]| Target { block, args: args.to_vec() };
        self.b.branch_with(Cond::ULt, index, four, target(inside, &[]), target(join, &[four]));
        self.b.switch_to(inside);
        let last = self.scope(body);
        let offset = self.b.binary_imm(BinOp::Shl, index, 1);
        let at = self.b.binary(BinOp::Add, at, offset);
        let half = self.b.load(Width::W16, false, at, 0);
        let v = self.b.binary(BinOp::Xor, half, last);
        self.b.jump(join, &[v]);
        self.b.switch_to(join);
        self.values.push(self.b.block_param(join, 0));
    }

    fn repeat(&mut self, n: u8, body: &[Stmt]) {
        let head = self.b.block(&[Type::I64, Type::I64]);
        let (inside, after) = (self.b.block(&[]), self.b.block(&[]));
        let (zero, start) = (self.b.iconst(0), self.pick(n));
        self.b.jump(head, &[zero, start]);
        self.b.switch_to(head);
        let (i, carried) = (self.b.block_param(head, 0), self.b.block_param(head, 1));
        let end = self.b.iconst(n.into());
        self.b.branch(Cond::ULt, i, end, inside, after);
        self.b.switch_to(inside);
        let before = self.values.len();
        self.values.extend([i, carried]);
        let v = self.scope(body);
        self.values.truncate(before);
        let next = self.b.add_imm(i, 1);
        self.b.jump(head, &[next, v]);
        self.b.switch_to(after);
        self.values.push(carried);
    }
}
