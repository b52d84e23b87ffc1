//! Rewrites what the instruction set lacks in terms of what it has.
//!
//! In: a function. Out: the same without signed division, and without division by a
//! constant 0, which the verifier refuses.

use crate::ir::{BinOp, Function, Inst, Op, Type, Value};

/// Expands all such operations of a function.
pub fn expand(function: &mut Function) {
    let wanted = |i: &Inst| {
        matches!(i.op, Op::Binary(BinOp::SDiv | BinOp::SRem | BinOp::UDiv | BinOp::URem, ..))
    };
    if !function.blocks.iter().flat_map(|b| &b.insts).any(wanted) {
        return;
    }
    let constants = constants(function);
    for b in 0..function.blocks.len() {
        if !function.blocks[b].insts.iter().any(wanted) {
            continue;
        }
        let old = std::mem::take(&mut function.blocks[b].insts);
        let mut out = Expansion { values: &mut function.values, insts: Vec::new(), span: None };
        for inst in old {
            out.span = inst.span;
            match (inst.op, inst.result) {
                (Op::Binary(op, x, y), Some(result)) => {
                    let divisor = constants[y.index()];
                    out.binary(result, op, x, y, divisor);
                }
                (op, result) => out.insts.push(Inst { result, op, span: inst.span }),
            }
        }
        function.blocks[b].insts = out.insts;
    }
}

/// Whether it is 2 to the power of at least 1.
fn is_power(n: i64) -> bool {
    n > 1 && n & (n - 1) == 0
}

/// The constant that each value is or becomes, if it is one.
fn constants(function: &Function) -> Vec<Option<i64>> {
    let mut constants = function.constants();
    loop {
        let mut more = false;
        for inst in function.blocks.iter().flat_map(|b| &b.insts) {
            // A division by 0 becomes one.
            if let (Op::Binary(BinOp::UDiv | BinOp::SDiv, _, y), Some(v)) = (&inst.op, inst.result)
                && constants[y.index()] == Some(0)
            {
                more |= constants[v.index()].replace(0).is_none();
            }
        }
        if !more {
            return constants;
        }
    }
}

struct Expansion<'a> {
    values: &'a mut Vec<Type>,
    insts: Vec<Inst>,
    span: Option<strand_grammar::source::Span>,
}

impl Expansion<'_> {
    fn def(&mut self, op: Op) -> Value {
        self.values.push(Type::I64);
        let result = Value(self.values.len() as u32 - 1);
        self.put(result, op);
        result
    }

    fn put(&mut self, result: Value, op: Op) {
        self.insts.push(Inst { result: Some(result), op, span: self.span });
    }

    fn bin(&mut self, op: BinOp, a: Value, b: Value) -> Value {
        self.def(Op::Binary(op, a, b))
    }

    fn binary(&mut self, result: Value, op: BinOp, x: Value, y: Value, divisor: Option<i64>) {
        match (op, divisor) {
            (BinOp::UDiv | BinOp::SDiv, Some(0)) => self.put(result, Op::Const(0)),
            (BinOp::URem | BinOp::SRem, Some(0)) => {
                let zero = self.def(Op::Const(0));
                self.put(result, Op::Binary(BinOp::Or, x, zero));
            }
            (BinOp::SDiv, Some(n)) if is_power(n) => {
                let (biased, shift) = self.biased(x, n);
                self.put(result, Op::Binary(BinOp::AShr, biased, shift));
            }
            (BinOp::SRem, Some(n)) if is_power(n) => {
                let (biased, _) = self.biased(x, n);
                let mask = self.def(Op::Const(-n));
                let multiple = self.bin(BinOp::And, biased, mask);
                self.put(result, Op::Binary(BinOp::Sub, x, multiple));
            }
            (BinOp::SDiv, _) => self.signed_quotient(result, x, y, divisor),
            (BinOp::SRem, _) => {
                let (sign, x) = self.magnitude(x);
                let y = self.divisor(y, divisor).1;
                let r = self.bin(BinOp::URem, x, y);
                self.negate_if(result, r, sign);
            }
            _ => self.put(result, Op::Binary(op, x, y)),
        }
    }

    /// For a division by `n`, 2 to the power of at least 1: `x` plus `n - 1` if it is
    /// negative, so that a shift rounds towards zero; and the power.
    fn biased(&mut self, x: Value, n: i64) -> (Value, Value) {
        let power = i64::from(n.trailing_zeros());
        let all = self.def(Op::Const(63));
        let sign = self.bin(BinOp::AShr, x, all);
        let unwanted = self.def(Op::Const(64 - power));
        let bias = self.bin(BinOp::LShr, sign, unwanted);
        (self.bin(BinOp::Add, x, bias), self.def(Op::Const(power)))
    }

    /// Divides the magnitudes, then sets the sign. Without branches, so that the
    /// verifier follows one path only.
    fn signed_quotient(&mut self, result: Value, x: Value, y: Value, divisor: Option<i64>) {
        let (x_sign, x) = self.magnitude(x);
        let (y_sign, y) = self.divisor(y, divisor);
        let q = self.bin(BinOp::UDiv, x, y);
        let sign = match y_sign {
            Some(y_sign) => self.bin(BinOp::Xor, x_sign, y_sign),
            None => x_sign,
        };
        self.negate_if(result, q, sign);
    }

    /// All ones if the divisor is negative (`None`: it isn't), and its magnitude.
    fn divisor(&mut self, y: Value, constant: Option<i64>) -> (Option<Value>, Value) {
        match constant {
            Some(n) => {
                let sign = (n < 0).then(|| self.def(Op::Const(-1)));
                (sign, self.def(Op::Const(n.unsigned_abs() as i64)))
            }
            None => {
                let (sign, y) = self.magnitude(y);
                (Some(sign), y)
            }
        }
    }

    /// All ones if `x` is negative, and the magnitude of `x`.
    fn magnitude(&mut self, x: Value) -> (Value, Value) {
        let n = self.def(Op::Const(63));
        let sign = self.bin(BinOp::AShr, x, n);
        let flipped = self.bin(BinOp::Xor, x, sign);
        let magnitude = self.bin(BinOp::Sub, flipped, sign);
        (sign, magnitude)
    }

    fn negate_if(&mut self, result: Value, x: Value, sign: Value) {
        let flipped = self.bin(BinOp::Xor, x, sign);
        self.put(result, Op::Binary(BinOp::Sub, flipped, sign));
    }
}
