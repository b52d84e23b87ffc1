//! Aggregations: one element of a per-CPU map is found and updated in place.
//!
//! In: `@a[keys] = f(value, increment)`. Out: a look-up (an insert at first) and a few
//! instructions. Counters are added to atomically, since an interrupt on the same CPU may
//! update the same element between two of our instructions, but where nothing can
//! ([`super::exclusive`]). What finds no room is counted as an aggregation drop.
//!
//! The words of each function's value are documented at
//! [`AggregatingFunction`].

use super::context::Context;
use super::unit::{AggregationStorage, words_layout};
use crate::buckets::{
    Orders, QUANTIZE_BUCKETS, QUANTIZE_MULTIPLIER, QUANTIZE_NEGATIVE, levels, quantize_table, words,
};
use crate::ir::{BinOp, BlockId, Cond, Helper, Layout, MapId, Type, Value, Width};
use crate::manifest::{AggregatingFunction, Drops};
use crate::typed::{AggregationId, Expr};
use strand_grammar::source::Span;

/// Where an element's value is.
#[derive(Clone, Copy)]
struct Element {
    at: Value,
    /// Nothing else changes it meanwhile.
    exclusive: bool,
}

/// The same for BTF.
pub(crate) fn value_layout(function: &AggregatingFunction) -> Layout {
    words_layout("value", words(function))
}

impl Context<'_, '_> {
    /// `@a[keys] = f(value, increment)`
    pub(crate) fn aggregate(
        &mut self,
        id: AggregationId,
        keys: &[Expr],
        value: Option<&Expr>,
        increment: Option<&Expr>,
        span: Span,
    ) {
        let function = self.unit.program.aggregations[id.0 as usize].function;
        let value = value.map(|e| self.scalar(e));
        let increment = increment.map(|e| self.scalar(e));
        let storage = self.unit.aggregations[id.0 as usize].clone();
        let exclusive = self.unit.exclusive.contains(&id);
        let mut full = Vec::new();
        let element = match &storage {
            AggregationStorage::Elements(elements) => {
                let operands: Vec<_> = keys.iter().map(|k| self.expr(k)).collect();
                let inserts = exclusive && matches!(function, AggregatingFunction::Count);
                let size = 8 * words(&function);
                let element = self.with_map(elements, &operands, span, |cx, map, key| {
                    if inserts {
                        cx.count_or_insert(map, key);
                        return None;
                    }
                    let (element, missing) = cx.find_or_make(map, key, size);
                    full.push(missing);
                    Some(element)
                });
                let Some(element) = element else { return };
                element
            }
            AggregationStorage::One(map) => {
                let key = self.key_memory(map.0, 8);
                self.b.store_imm(Width::W32, key, 0, 0);
                let (element, missing) = self.lookup(*map, key);
                // The only element of an array is always there; the verifier wants a test.
                let here = self.b.current();
                self.b.switch_to(missing);
                self.end_clause();
                self.b.switch_to(here);
                element
            }
        };
        let element = Element { at: element, exclusive };
        self.update(&function, element, value, increment);
        // What there is no room for is lost, and counted; the clause goes on.
        if let [first, rest @ ..] = &full[..] {
            let done = self.b.block(&[]);
            self.b.jump(done, &[]);
            for other in rest {
                self.b.switch_to(*other);
                self.b.jump(*first, &[]);
            }
            self.b.switch_to(*first);
            self.count_drop(Drops::Aggregation);
            self.b.jump(done, &[]);
            self.b.switch_to(done);
        }
    }

    /// `count()` where nothing else counts on this processor meanwhile: a new element comes with
    /// its first update in it. If another processor makes it at the same time, it has none of
    /// this one yet, which this then gives it.
    fn count_or_insert(&mut self, map: MapId, key: Value) {
        const BPF_ANY: i64 = 0;
        let (element, missing) = self.lookup(map, key);
        self.bump(Element { at: element, exclusive: true });
        let (full, done) = (self.b.block(&[]), self.b.block(&[]));
        self.b.jump(done, &[]);
        self.b.switch_to(missing);
        let first = self.unit.rodata(1u64.to_le_bytes().to_vec());
        let first = self.b.rodata(first);
        let (map, flags) = (self.b.map(map), self.int(BPF_ANY));
        let result = self.helper(Helper::MAP_UPDATE_ELEM, &[map, key, first, flags]);
        self.b.branch_imm(Cond::Ne, result, 0, full, done);
        self.b.switch_to(full);
        self.count_drop(Drops::Aggregation);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    fn update(
        &mut self,
        function: &AggregatingFunction,
        element: Element,
        value: Option<Value>,
        increment: Option<Value>,
    ) {
        let value = match value {
            Some(v) => v,
            None => self.int(0),
        };
        match function {
            AggregatingFunction::Count => self.bump(element),
            AggregatingFunction::Sum { .. } | AggregatingFunction::Avg { .. } => {
                self.bump(element);
                self.add_to(element, 8, value);
            }
            AggregatingFunction::Min { signed } => {
                let cond = if *signed { Cond::SLt } else { Cond::ULt };
                self.keep_if(element, value, cond);
            }
            AggregatingFunction::Max { signed } => {
                let cond = if *signed { Cond::SGt } else { Cond::UGt };
                self.keep_if(element, value, cond);
            }
            AggregatingFunction::Stddev { signed } => self.deviate(element, value, *signed),
            AggregatingFunction::Quantize => {
                self.bump(element);
                let bucket = self.quantize_bucket(value);
                self.add_to_bucket(element, bucket, QUANTIZE_BUCKETS, increment);
            }
            AggregatingFunction::Lquantize { low, high, step } => {
                self.bump(element);
                let bucket = self.lquantize_bucket(value, *low, *high, *step);
                self.add_to_bucket(element, bucket, levels(*low, *high, *step) + 2, increment);
            }
            AggregatingFunction::Llquantize { .. } => {
                self.bump(element);
                let orders = Orders::new(function);
                let bucket = self.llquantize_bucket(value, &orders);
                self.add_to_bucket(element, bucket, 2 * orders.overflow + 1, increment);
            }
        }
    }

    /// Counts an update in word 0.
    fn bump(&mut self, element: Element) {
        let one = self.int(1);
        self.add_to(element, 0, one);
    }

    /// `*(u64 *)(element + offset) += value`
    fn add_to(&mut self, Element { at, exclusive }: Element, offset: i32, value: Value) {
        if !exclusive {
            self.b.atomic_add(Width::W64, at, offset, value);
            return;
        }
        let before = self.b.load(Width::W64, false, at, offset);
        let sum = self.b.binary(BinOp::Add, before, value);
        self.b.store(Width::W64, at, offset, sum);
    }

    fn keep_if(&mut self, element: Element, value: Value, cond: Cond) {
        let (compare, keep, done) = (self.b.block(&[]), self.b.block(&[]), self.b.block(&[]));
        let updates = self.b.load(Width::W64, false, element.at, 0);
        self.b.branch_imm(Cond::Eq, updates, 0, keep, compare);
        self.b.switch_to(compare);
        let known = self.b.load(Width::W64, false, element.at, 8);
        self.b.branch(cond, value, known, keep, done);
        self.b.switch_to(keep);
        self.b.store(Width::W64, element.at, 8, value);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
        self.bump(element);
    }

    fn deviate(&mut self, element: Element, value: Value, signed: bool) {
        self.bump(element);
        self.add_to(element, 8, value);
        let magnitude = if signed {
            // |v| without a branch: (v ^ s) - s with s all ones for negative v.
            let s = self.b.binary_imm(BinOp::AShr, value, 63);
            let x = self.b.binary(BinOp::Xor, value, s);
            self.b.binary(BinOp::Sub, x, s)
        } else {
            value
        };
        let (high, low) = self.square(magnitude);
        let old = self.b.load(Width::W64, false, element.at, 16);
        let sum = self.b.binary(BinOp::Add, old, low);
        self.b.store(Width::W64, element.at, 16, sum);
        let carry = self.b.compare(Cond::ULt, sum, old);
        let old_high = self.b.load(Width::W64, false, element.at, 24);
        let sum = self.b.binary(BinOp::Add, old_high, high);
        let sum = self.b.binary(BinOp::Add, sum, carry);
        self.b.store(Width::W64, element.at, 24, sum);
    }

    /// The 128-bit square, by halves: (2³²h + l)² = 2⁶⁴h² + 2³³hl + l².
    fn square(&mut self, v: Value) -> (Value, Value) {
        let l = self.b.binary_imm(BinOp::And, v, 0xffff_ffff);
        let h = self.b.binary_imm(BinOp::LShr, v, 32);
        let ll = self.b.binary(BinOp::Mul, l, l);
        let hl = self.b.binary(BinOp::Mul, h, l);
        let hh = self.b.binary(BinOp::Mul, h, h);
        let middle_low = self.b.binary_imm(BinOp::Shl, hl, 33);
        let middle_high = self.b.binary_imm(BinOp::LShr, hl, 31);
        let low = self.b.binary(BinOp::Add, ll, middle_low);
        let carry = self.b.compare(Cond::ULt, low, ll);
        let high = self.b.binary(BinOp::Add, hh, middle_high);
        let high = self.b.binary(BinOp::Add, high, carry);
        (high, low)
    }

    /// Adds the increment (1) to bucket `bucket` of `buckets`, after word 0.
    fn add_to_bucket(
        &mut self,
        element: Element,
        bucket: Value,
        buckets: u32,
        increment: Option<Value>,
    ) {
        // The bucket is in range by construction; the verifier can't see that.
        let (inside, done) = (self.b.block(&[]), self.b.block(&[]));
        let limit = self.int(i64::from(buckets));
        self.b.branch(Cond::ULt, bucket, limit, inside, done);
        self.b.switch_to(inside);
        let offset = self.b.binary_imm(BinOp::Shl, bucket, 3);
        let at = self.b.binary(BinOp::Add, element.at, offset);
        let by = match increment {
            Some(v) => v,
            None => self.int(1),
        };
        self.add_to(Element { at, ..element }, 8, by);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }

    // -------------------------------------------------------------- buckets

    /// Without branches: after each the verifier would follow both ways through all that comes
    /// behind. See [`quantize_table`].
    fn quantize_bucket(&mut self, v: Value) -> Value {
        let sign = self.b.binary_imm(BinOp::AShr, v, 63);
        let x = self.b.binary(BinOp::Xor, v, sign);
        let mut x = self.b.binary(BinOp::Sub, x, sign);
        for shift in [1, 2, 4, 8, 16, 32] {
            let shifted = self.b.binary_imm(BinOp::LShr, x, shift);
            x = self.b.binary(BinOp::Or, x, shifted);
        }
        let product = self.b.binary_imm(BinOp::Mul, x, QUANTIZE_MULTIPLIER as i64);
        let index = self.b.binary_imm(BinOp::LShr, product, 57);
        let half = self.b.binary_imm(BinOp::And, sign, QUANTIZE_NEGATIVE as i64);
        // Kernels up to 6.1 know no bounds of an `or`.
        let index = self.b.binary(BinOp::Add, index, half);
        let table = self.unit.rodata(quantize_table());
        let table = self.b.rodata(table);
        let at = self.b.binary(BinOp::Add, table, index);
        self.b.load(Width::W8, false, at, 0)
    }

    fn lquantize_bucket(&mut self, v: Value, low: i32, high: i32, step: u32) -> Value {
        let done = self.b.block(&[Type::I64]);
        let (not_low, inside) = (self.b.block(&[]), self.b.block(&[]));
        let under = self.int(0);
        let bound = self.int(i64::from(low));
        self.b.branch_with(Cond::SLt, v, bound, Self::to(done, &[under]), Self::to(not_low, &[]));
        self.b.switch_to(not_low);
        let over = self.int(i64::from(levels(low, high, step)) + 1);
        let bound = self.int(i64::from(high));
        self.b.branch_with(Cond::SGe, v, bound, Self::to(done, &[over]), Self::to(inside, &[]));
        self.b.switch_to(inside);
        let distance = self.b.add_imm(v, -i64::from(low));
        let level = self.b.binary_imm(BinOp::UDiv, distance, i64::from(step.max(1)));
        let bucket = self.b.add_imm(level, 1);
        self.b.jump(done, &[bucket]);
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    fn llquantize_bucket(&mut self, v: Value, orders: &Orders) -> Value {
        let sign = self.b.binary_imm(BinOp::AShr, v, 63);
        let x = self.b.binary(BinOp::Xor, v, sign);
        let magnitude = self.b.binary(BinOp::Sub, x, sign);
        let found = self.b.block(&[Type::I64]);
        let first = self.b.block(&[]);
        let small = self.int(0);
        let bound = self.int(orders.smallest as i64);
        self.b.branch_with(
            Cond::ULt,
            magnitude,
            bound,
            Self::to(found, &[small]),
            Self::to(first, &[]),
        );
        let mut next: BlockId = first;
        for order in &orders.orders {
            self.b.switch_to(next);
            let inside = self.b.block(&[]);
            next = self.b.block(&[]);
            self.b.branch_imm(Cond::ULt, magnitude, order.end as i64, inside, next);
            self.b.switch_to(inside);
            let step = self.b.binary_imm(BinOp::UDiv, magnitude, order.width as i64);
            let bucket = self.b.add_imm(step, i64::from(order.base) - order.skipped() as i64);
            self.b.jump(found, &[bucket]);
        }
        self.b.switch_to(next);
        let overflow = self.int(i64::from(orders.overflow));
        self.b.jump(found, &[overflow]);
        self.b.switch_to(found);
        let distance = self.b.block_param(found, 0);
        let x = self.b.binary(BinOp::Xor, distance, sign);
        let signed_distance = self.b.binary(BinOp::Sub, x, sign);
        self.b.add_imm(signed_distance, i64::from(orders.overflow))
    }
}
