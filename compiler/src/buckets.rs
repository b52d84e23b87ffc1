//! The buckets of the quantizing functions: how many there are and where each begins.
//!
//! In: an aggregating function. Out: numbers that lowering puts into programs and the
//! runtime into labels. Decides the words of every aggregation's value.

use crate::manifest::AggregatingFunction;

/// Buckets of `quantize`: 63 negative, zero, 63 positive.
pub const QUANTIZE_BUCKETS: u32 = 127;
/// Index of the bucket of 0.
pub const QUANTIZE_ZERO: u32 = 63;

/// u64 words of a function's value.
pub fn words(function: &AggregatingFunction) -> u32 {
    match function {
        AggregatingFunction::Count => 1,
        AggregatingFunction::Sum { .. }
        | AggregatingFunction::Avg { .. }
        | AggregatingFunction::Min { .. }
        | AggregatingFunction::Max { .. } => 2,
        AggregatingFunction::Stddev { .. } => 4,
        AggregatingFunction::Quantize => 1 + QUANTIZE_BUCKETS,
        AggregatingFunction::Lquantize { low, high, step } => 1 + 2 + levels(*low, *high, *step),
        AggregatingFunction::Llquantize { .. } => {
            let orders = Orders::new(function);
            1 + 2 * orders.overflow + 1
        }
    }
}

/// Levels of `lquantize` between its bounds.
pub fn levels(low: i32, high: i32, step: u32) -> u32 {
    let range = (i64::from(high) - i64::from(low)).max(0) as u64;
    range.div_ceil(u64::from(step.max(1))) as u32
}

/// One order of magnitude of `llquantize`: values below `end` (and not below the one
/// before it) fall into `buckets` linear buckets from `base` on, each `width` wide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// First value.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Index of the first bucket.
    pub base: u32,
    /// Values in a bucket. The first may have fewer: buckets begin at multiples of this.
    pub width: u64,
}

impl Order {
    /// Buckets of this width below the order.
    pub fn skipped(&self) -> u64 {
        self.start / self.width
    }
}

/// The buckets of `llquantize` for magnitudes: 0 is what is too small, `overflow` too big.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders {
    /// In order of magnitude.
    pub orders: Vec<Order>,
    /// Magnitudes below this are in bucket 0.
    pub smallest: u64,
    /// Index of the bucket of what is too big.
    pub overflow: u32,
}

impl Orders {
    /// Of an `llquantize`; empty for other functions.
    pub fn new(function: &AggregatingFunction) -> Self {
        let AggregatingFunction::Llquantize { factor, low, high, steps } = *function else {
            return Orders { orders: Vec::new(), smallest: 0, overflow: 0 };
        };
        let (factor, steps) = (u64::from(factor), u64::from(steps));
        let smallest = factor.saturating_pow(low);
        let mut orders = Vec::new();
        let (mut start, mut base) = (smallest, 1u32);
        for _ in low..=high {
            let end = start.saturating_mul(factor);
            // An order has `steps` linear buckets up to its end, of which those below its
            // start belong to the order before.
            let buckets = end.min(steps).max(1);
            let width = (end / buckets).max(1);
            orders.push(Order { start, end, base, width });
            base += (buckets - buckets / factor) as u32;
            start = end;
        }
        Orders { orders, smallest, overflow: base }
    }
}

impl Orders {
    /// The least magnitude of bucket `n`.
    pub fn lower_bound(&self, n: u32) -> u64 {
        match self.orders.iter().rev().find(|o| o.base <= n) {
            _ if n >= self.overflow => self.orders.last().map_or(0, |o| o.end),
            Some(o) => o.start.max((u64::from(n - o.base) + o.skipped()) * o.width),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llquantize_orders_meet() {
        let function = AggregatingFunction::Llquantize { factor: 10, low: 0, high: 3, steps: 10 };
        let orders = Orders::new(&function);
        // 1…9, 10…90, 100…900, 1000…9000: nine buckets each.
        assert_eq!(orders.overflow, 37);
        let bases: Vec<u32> = orders.orders.iter().map(|o| o.base).collect();
        assert_eq!(bases, [1, 10, 19, 28]);
    }

    /// Where steps don't divide an order, its buckets still begin at multiples of their width.
    #[test]
    fn llquantize_buckets_are_aligned() {
        let function = AggregatingFunction::Llquantize { factor: 4, low: 0, high: 1, steps: 2 };
        let orders = Orders::new(&function);
        let bounds: Vec<u64> = (1..=5).map(|n| orders.lower_bound(n)).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16]);
    }

    #[test]
    fn lquantize_levels_round_up() {
        assert_eq!(levels(0, 10, 3), 4);
        assert_eq!(levels(-10, 10, 1), 20);
    }
}
