//! Computes what is known already and replaces operations by cheaper ones.
//!
//! Goes over the blocks in reverse postorder, so that operands are final when their
//! user is looked at. Constants come out once each, in the entry block: the back end
//! makes them where they are used. Only facts that the kernel's verifier has too are
//! used: dropping a mask or a check must not cost it a bound.

use crate::ir::cfg::Cfg;
use crate::ir::{
    BinOp, BlockId, Cond, Function, Helper, Inst, Op, Terminator, Type, UnOp, Value, Width,
};
use rustc_hash::FxHashMap;

/// Folds the constants of a function.
pub fn fold(function: &mut Function) {
    let cfg = Cfg::new(function);
    let n = function.values.len();
    let mut folder = Folder {
        name: (0..n as u32).map(Value).collect(),
        defs: vec![None; n],
        types: std::mem::take(&mut function.values),
        pool: FxHashMap::default(),
        numbers: Vec::new(),
    };
    for block in &cfg.order {
        folder.block(function, *block);
    }
    let numbers = folder.numbers.iter().map(|(v, n)| Inst {
        result: Some(*v),
        op: Op::Const(*n),
        span: None,
    });
    let mut insts: Vec<_> = numbers.collect();
    insts.append(&mut function.blocks[0].insts);
    function.blocks[0].insts = insts;
    function.values = folder.types;
}

/// What becomes of an operation.
enum Folded {
    /// It is that value.
    Same(Value),
    /// It is that number.
    Number(i64),
    /// Something else does the same for less.
    Op(Op),
}

use Folded::{Number, Same};

struct Folder {
    /// By value: the one that takes its place.
    name: Vec<Value>,
    /// By value: how it is computed, once that is final.
    defs: Vec<Option<Op>>,
    types: Vec<Type>,
    /// The value of each number in use.
    pool: FxHashMap<i64, Value>,
    /// The same in order of first use.
    numbers: Vec<(Value, i64)>,
}

impl Folder {
    fn block(&mut self, function: &mut Function, block: BlockId) {
        let insts = std::mem::take(&mut function.blocks[block.index()].insts);
        let mut kept = Vec::with_capacity(insts.len());
        for mut inst in insts {
            inst.op.map_uses(|v| *v = self.name[v.index()]);
            let Some(result) = inst.result else {
                if let Op::Store { width, value, .. } = &mut inst.op {
                    *value = self.low_bytes(*width, *value);
                }
                kept.push(inst);
                continue;
            };
            // The sign is extended on its own, so that it needn't be where nobody wants it.
            if let Op::Load { width, signed: signed @ true, .. } = &mut inst.op
                && let Some(extend) = sign_extension(*width)
            {
                *signed = false;
                let raw = self.value(inst.op.clone());
                kept.push(Inst { result: Some(raw), ..inst.clone() });
                inst.op = Op::Unary(extend, raw);
            }
            // Each step makes the operation simpler; some enable another.
            let same = loop {
                match self.simplify(&inst.op) {
                    Some(Folded::Op(op)) => inst.op = op,
                    Some(Same(v)) => break Some(v),
                    Some(Number(n)) => break Some(self.number(n)),
                    None => break None,
                }
            };
            match same {
                Some(v) => self.name[result.index()] = v,
                None => {
                    self.defs[result.index()] = Some(inst.op.clone());
                    kept.push(inst);
                }
            }
        }
        let block = &mut function.blocks[block.index()];
        block.insts = kept;
        block.term.map_uses(|v| *v = self.name[v.index()]);
        self.terminator(&mut block.term);
    }

    fn number(&mut self, n: i64) -> Value {
        if let Some(v) = self.pool.get(&n) {
            return *v;
        }
        let v = self.value(Op::Const(n));
        self.pool.insert(n, v);
        self.numbers.push((v, n));
        v
    }

    /// A new number, computed so.
    fn value(&mut self, op: Op) -> Value {
        let v = Value(self.types.len() as u32);
        self.types.push(Type::I64);
        self.name.push(v);
        self.defs.push(Some(op));
        v
    }

    /// A value with the same low bytes, if one is known that is computed before this one.
    fn low_bytes(&self, width: Width, v: Value) -> Value {
        let mut v = v;
        loop {
            v = match self.def(v) {
                Some(Op::Unary(UnOp::Sext8 | UnOp::Zext8, a)) if width == Width::W8 => *a,
                Some(Op::Unary(UnOp::Sext16 | UnOp::Zext16, a)) if width <= Width::W16 => *a,
                Some(Op::Unary(UnOp::Sext32 | UnOp::Zext32, a)) if width <= Width::W32 => *a,
                Some(Op::Binary(BinOp::And, a, m)) => match self.constant(*m) {
                    Some(m) if !m << (64 - width.bits()) == 0 => *a,
                    _ => return v,
                },
                _ => return v,
            }
        }
    }

    fn def(&self, v: Value) -> Option<&Op> {
        self.defs[v.index()].as_ref()
    }

    fn constant(&self, v: Value) -> Option<i64> {
        match self.def(v) {
            Some(Op::Const(n)) => Some(*n),
            _ => None,
        }
    }

    fn is_pointer(&self, v: Value) -> bool {
        self.types[v.index()] == Type::Ptr
    }

    fn simplify(&mut self, op: &Op) -> Option<Folded> {
        match op {
            Op::Const(n) => Some(Number(*n)),
            Op::Binary(op, a, b) => match (self.constant(*a), self.constant(*b)) {
                (Some(x), Some(y)) => Some(Number(op.eval(x, y))),
                (Some(_), None) if op.is_commutative() => Some(Folded::Op(Op::Binary(*op, *b, *a))),
                (Some(0), None) if *op == BinOp::Sub && !self.is_pointer(*b) => {
                    Some(Folded::Op(Op::Unary(UnOp::Neg, *b)))
                }
                (_, Some(n)) => self.with_number(*op, *a, n),
                _ if a == b && !self.is_pointer(*a) => with_itself(*op, *a),
                _ => None,
            },
            Op::Unary(op, a) => self.unary(*op, *a),
            Op::Compare(cond, a, b) => {
                let (c, x, y) = self.comparison(*cond, *a, *b);
                if let Some(outcome) = self.decide(c, x, y) {
                    return Some(Number(outcome.into()));
                }
                match (self.constant(y), c, self.def(x)) {
                    (Some(0), Cond::Ne, Some(Op::Compare(..))) => Some(Same(x)),
                    _ if (c, x, y) != (*cond, *a, *b) => Some(Folded::Op(Op::Compare(c, x, y))),
                    _ => None,
                }
            }
            // Kernels up to 6.18 at least refuse a callback that is never called.
            Op::Helper(Helper::LOOP, args) if self.constant(*args.first()?) == Some(0) => {
                Some(Number(0))
            }
            _ => None,
        }
    }

    // ----------------------------------------------------------- arithmetic

    /// `a op n`
    fn with_number(&mut self, op: BinOp, a: Value, n: i64) -> Option<Folded> {
        let power = (n > 0 && n & (n - 1) == 0).then(|| i64::from(n.trailing_zeros()));
        match (op, n) {
            (BinOp::Add | BinOp::Sub | BinOp::Or | BinOp::Xor, 0) => return Some(Same(a)),
            (BinOp::Mul | BinOp::UDiv | BinOp::SDiv, 1) => return Some(Same(a)),
            (BinOp::And, -1) => return Some(Same(a)),
            (BinOp::Mul | BinOp::And, 0) => return Some(Number(0)),
            (BinOp::URem, 1) | (BinOp::SRem, 1 | -1) => return Some(Number(0)),
            (BinOp::UDiv | BinOp::SDiv, 0) => return Some(Number(0)),
            (BinOp::URem | BinOp::SRem, 0) => return Some(Same(a)),
            (BinOp::Or, -1) => return Some(Number(-1)),
            (BinOp::SDiv | BinOp::Mul, -1) => return Some(Folded::Op(Op::Unary(UnOp::Neg, a))),
            (BinOp::Sub, _) if n != i64::MIN => return self.replace(BinOp::Add, a, -n),
            (BinOp::Shl | BinOp::LShr | BinOp::AShr, _) if n & 63 == 0 => return Some(Same(a)),
            (BinOp::Shl | BinOp::LShr | BinOp::AShr, _) if n & 63 != n => {
                return self.replace(op, a, n & 63);
            }
            (BinOp::And, _)
                if n > 0 && n & n.wrapping_add(1) == 0 && self.bits(a) <= n.count_ones() =>
            {
                return Some(Same(a));
            }
            _ => {}
        }
        match (op, power) {
            (BinOp::Mul, Some(k)) => return self.replace(BinOp::Shl, a, k),
            (BinOp::UDiv, Some(k)) => return self.replace(BinOp::LShr, a, k),
            (BinOp::URem, Some(_)) => return self.replace(BinOp::And, a, n - 1),
            // Without the sign bit, signed is unsigned.
            (BinOp::SDiv, _) if n > 0 && self.bits(a) < 64 => {
                return self.replace(BinOp::UDiv, a, n);
            }
            (BinOp::SRem, _) if n > 0 && self.bits(a) < 64 => {
                return self.replace(BinOp::URem, a, n);
            }
            _ => {}
        }
        self.reassociate(op, a, n)
    }

    fn replace(&mut self, op: BinOp, a: Value, n: i64) -> Option<Folded> {
        let n = self.number(n);
        Some(Folded::Op(Op::Binary(op, a, n)))
    }

    /// `(p + m) + n` is `p + k`, and likewise for masks. Not for other operations: a
    /// bounds check of the inner result would be lost on the outer one.
    fn reassociate(&mut self, op: BinOp, a: Value, n: i64) -> Option<Folded> {
        let Some(Op::Binary(inner, x, m)) = self.def(a) else { return None };
        let (inner, x, m) = (*inner, *x, self.constant(*m)?);
        match op {
            BinOp::Add if inner == op && self.is_pointer(x) => {
                self.replace(op, x, m.checked_add(n)?)
            }
            BinOp::And if inner == op => self.replace(op, x, m & n),
            _ => None,
        }
    }

    fn unary(&mut self, op: UnOp, a: Value) -> Option<Folded> {
        if let Some(n) = self.constant(a) {
            return Some(Number(op.eval(n)));
        }
        // The upper half with its sign.
        if let (UnOp::Sext32, Some(Op::Binary(BinOp::LShr, x, k))) = (op, self.def(a))
            && self.constant(*k) == Some(32)
        {
            return self.replace(BinOp::AShr, *x, 32);
        }
        let fits = match op {
            UnOp::Zext8 => self.bits(a) <= 8,
            UnOp::Zext16 => self.bits(a) <= 16,
            UnOp::Zext32 => self.bits(a) <= 32,
            UnOp::Sext8 => self.fits_signed(a, 8),
            UnOp::Sext16 => self.fits_signed(a, 16),
            UnOp::Sext32 => self.fits_signed(a, 32),
            _ => false,
        };
        fits.then_some(Same(a))
    }

    /// How many low bits of a value may be set.
    fn bits(&self, v: Value) -> u32 {
        let significant = |n: i64| 64 - n.leading_zeros();
        match self.def(v) {
            Some(Op::Const(n)) => significant(*n),
            Some(Op::Load { width, signed: false, .. }) => width.bits(),
            Some(Op::Compare(..)) => 1,
            Some(Op::Unary(UnOp::Zext8, _)) => 8,
            Some(Op::Unary(UnOp::Zext16, _)) => 16,
            Some(Op::Unary(UnOp::Zext32, _)) => 32,
            Some(Op::Binary(BinOp::And, _, m)) => self.constant(*m).map_or(64, significant),
            Some(Op::Binary(BinOp::LShr, _, k)) => match self.constant(*k) {
                Some(k @ 0..64) => 64 - k as u32,
                _ => 64,
            },
            _ => 64,
        }
    }

    /// Whether a value is one of so many bits, sign included.
    fn fits_signed(&self, v: Value, bits: u32) -> bool {
        let width = match self.def(v) {
            Some(Op::Unary(UnOp::Sext8, _)) => Width::W8.bits(),
            Some(Op::Unary(UnOp::Sext16, _)) => Width::W16.bits(),
            Some(Op::Unary(UnOp::Sext32, _)) => Width::W32.bits(),
            _ => self.bits(v) + 1,
        };
        width <= bits
    }

    // ---------------------------------------------------------- comparisons

    /// The simplest comparison that says the same: a constant on the right, no
    /// comparison of a comparison with 0, `eq` and `ne` rather than an order.
    fn comparison(&mut self, cond: Cond, a: Value, b: Value) -> (Cond, Value, Value) {
        let (mut cond, mut a, mut b) = (cond, a, b);
        if self.constant(a).is_some() && self.constant(b).is_none() {
            (cond, a, b) = (cond.swap(), b, a);
        }
        loop {
            cond = match (cond, self.constant(b)) {
                (Cond::UGt, Some(0)) => Cond::Ne,
                (Cond::ULe, Some(0)) => Cond::Eq,
                (Cond::ULt, Some(1)) => {
                    b = self.number(0);
                    Cond::Eq
                }
                (Cond::UGe, Some(1)) => {
                    b = self.number(0);
                    Cond::Ne
                }
                (cond, _) => cond,
            };
            match (cond, self.constant(b), self.def(a)) {
                (Cond::Ne, Some(0), Some(Op::Compare(c, x, y))) => (cond, a, b) = (*c, *x, *y),
                // So that it is seen to be the test that a load through the pointer makes.
                (Cond::Ne | Cond::Eq, Some(0), Some(Op::Unary(UnOp::Address, p))) => a = *p,
                (Cond::Eq, Some(0), Some(Op::Compare(c, x, y))) => {
                    (cond, a, b) = (c.negate(), *x, *y);
                }
                _ => return (cond, a, b),
            }
        }
    }

    fn decide(&self, cond: Cond, a: Value, b: Value) -> Option<bool> {
        if let (Some(x), Some(y)) = (self.constant(a), self.constant(b)) {
            return Some(cond.holds(x, y));
        }
        if a == b {
            return Some(cond.holds(0, 0));
        }
        let n = self.constant(b)?;
        if n == 0 && self.is_address(a) {
            return Some(cond.holds(1, 0));
        }
        let bits = self.bits(a);
        let above = bits < 64 && (n as u64) >> bits != 0;
        match cond {
            Cond::ULt if n == 0 => Some(false),
            Cond::UGe if n == 0 => Some(true),
            Cond::ULt | Cond::ULe | Cond::Ne if above => Some(true),
            Cond::UGt | Cond::UGe | Cond::Eq if above => Some(false),
            Cond::SLt if n <= 0 && bits < 64 => Some(false),
            Cond::SGe if n <= 0 && bits < 64 => Some(true),
            _ => None,
        }
    }

    /// Whether a pointer is the address of something that exists.
    fn is_address(&self, v: Value) -> bool {
        matches!(
            self.def(v),
            Some(
                Op::Slot(_)
                    | Op::Map(_)
                    | Op::Rodata(_)
                    | Op::Bss(_)
                    | Op::Function(_)
                    // There is always one.
                    | Op::Helper(Helper::GET_CURRENT_TASK_BTF, _)
            )
        )
    }

    fn terminator(&mut self, term: &mut Terminator) {
        let Terminator::Branch { cond, a, b, then, otherwise } = term else { return };
        (*cond, *a, *b) = self.comparison(*cond, *a, *b);
        let taken = match self.decide(*cond, *a, *b) {
            Some(true) => then,
            Some(false) => otherwise,
            None if then == otherwise => then,
            None => return,
        };
        *term = Terminator::Jump(std::mem::take(taken));
    }
}

/// `a op a`
fn with_itself(op: BinOp, a: Value) -> Option<Folded> {
    match op {
        BinOp::Sub | BinOp::Xor => Some(Number(0)),
        BinOp::And | BinOp::Or => Some(Same(a)),
        _ => None,
    }
}

/// What extends the sign of a number that was loaded; none if it is as wide as can be.
fn sign_extension(width: Width) -> Option<UnOp> {
    match width {
        Width::W8 => Some(UnOp::Sext8),
        Width::W16 => Some(UnOp::Sext16),
        Width::W32 => Some(UnOp::Sext32),
        Width::W64 => None,
    }
}
