//! The buckets of the quantizing functions: how many there are and where each begins.
//!
//! In: an aggregating function. Out: numbers that lowering puts into programs and the
//! runtime into labels. Decides the words of every aggregation's value.

use crate::manifest::AggregatingFunction;

/// Buckets of `quantize`: 63 negative, zero, 63 positive.
pub const QUANTIZE_BUCKETS: u32 = 127;
/// Index of the bucket of 0.
pub const QUANTIZE_ZERO: u32 = 63;

/// Makes |v| whose bits below the highest are all set different, in its top seven bits, from all
/// other such numbers, except that 2⁶³ and 2⁶² may be alike.
pub const QUANTIZE_MULTIPLIER: u64 = 0xe832_eb73_6987_8d4f;
/// Where the half of [`quantize_table`] for numbers below 0 begins.
pub const QUANTIZE_NEGATIVE: usize = 128;

/// By the top seven bits of that product: 63 + sign(v)·(1 + floor(log2 |v|)), and 63 for 0. Only
/// the least number has magnitude 2⁶³: it shares the bucket of -2⁶².
pub fn quantize_table() -> Vec<u8> {
    let mut table = vec![QUANTIZE_ZERO as u8; 2 * QUANTIZE_NEGATIVE];
    for n in 0..64u8 {
        let filled = u64::MAX >> (63 - n);
        let index = (filled.wrapping_mul(QUANTIZE_MULTIPLIER) >> 57) as usize;
        let distance = (n + 1).min(63);
        table[index] = QUANTIZE_ZERO as u8 + distance;
        table[QUANTIZE_NEGATIVE + index] = QUANTIZE_ZERO as u8 - distance;
    }
    table
}

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
    fn quantize_looks_every_number_up() {
        let table = quantize_table();
        let powers = (0..63).flat_map(|n| [1i64 << n, (1i64 << n) - 1, -(1i64 << n)]);
        for v in powers.chain([0, i64::MAX, i64::MIN, i64::MIN + 1, 1000, -1000]) {
            let filled = u64::MAX.checked_shr(v.unsigned_abs().leading_zeros()).unwrap_or(0);
            let index = (filled.wrapping_mul(QUANTIZE_MULTIPLIER) >> 57) as usize;
            let half = if v < 0 { QUANTIZE_NEGATIVE } else { 0 };
            let distance = v.unsigned_abs().checked_ilog2().map_or(0, |n| (n + 1).min(63));
            let wanted = i64::from(QUANTIZE_ZERO) + v.signum() * i64::from(distance);
            assert_eq!(i64::from(table[index + half]), wanted, "{v}");
        }
    }

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
