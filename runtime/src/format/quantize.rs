//! Histograms of `quantize`, `lquantize` and `llquantize`.
//!
//! In: bucket sums (signed, since increments may be negative) and the divisor of
//! `normalize`. Out: a table with a bar of forty columns whose full length is the sum of
//! all that is shown.

use std::fmt::Write;
use strand_compiler::buckets::{Orders, QUANTIZE_ZERO, levels};
use strand_compiler::manifest::AggregatingFunction;

const BAR: usize = 40;

/// Which signs the shown buckets have.
struct Scale {
    total: f64,
    positives: bool,
    negatives: bool,
}

/// Prints a histogram; `buckets` are those after the update counter.
pub fn histogram(out: &mut String, function: &AggregatingFunction, buckets: &[i64], normal: i64) {
    let shown = range(function, buckets);
    let scale = Scale {
        total: buckets[shown.clone()].iter().map(|v| v.unsigned_abs() as f64).sum(),
        positives: buckets[shown.clone()].iter().any(|v| *v > 0),
        negatives: buckets[shown.clone()].iter().any(|v| *v < 0),
    };
    let _ = writeln!(
        out,
        "\n{:>16} {:>41} {:<9}",
        "value", "------------- Distribution -------------", "count"
    );
    for i in shown.clone() {
        let _ = write!(out, "{:>16} ", label(function, i, buckets.len(), shown.start));
        bar(out, buckets[i], normal, &scale);
    }
}

/// The buckets to show: all with data, and one more on each side.
fn range(function: &AggregatingFunction, buckets: &[i64]) -> std::ops::Range<usize> {
    let first = buckets.iter().position(|v| *v != 0);
    let last = buckets.iter().rposition(|v| *v != 0);
    match (first, last) {
        (Some(first), Some(last)) => first.saturating_sub(1)..(last + 2).min(buckets.len()),
        // Nothing: only negative increments can lead here.
        _ => {
            let zero = QUANTIZE_ZERO as usize;
            let middle = buckets.len() / 2;
            let shown = match function {
                AggregatingFunction::Quantize => zero - 1..zero + 2,
                AggregatingFunction::Lquantize { .. } => 0..3,
                _ => middle..middle + 3,
            };
            shown.start.min(buckets.len())..shown.end.min(buckets.len())
        }
    }
}

fn label(function: &AggregatingFunction, i: usize, len: usize, first: usize) -> String {
    match *function {
        AggregatingFunction::Quantize => {
            let zero = QUANTIZE_ZERO as usize;
            let value = match i.cmp(&zero) {
                std::cmp::Ordering::Equal => 0,
                std::cmp::Ordering::Greater => 1i64 << (i - zero - 1),
                std::cmp::Ordering::Less => -(1i64 << (zero - i - 1)),
            };
            value.to_string()
        }
        AggregatingFunction::Lquantize { low, high, step } => {
            let levels = levels(low, high, step) as usize;
            let bound = |n: usize| i64::from(low) + n as i64 * i64::from(step);
            if i == 0 {
                format!("< {low}")
            } else if i == levels + 1 {
                format!(">= {}", bound(levels))
            } else {
                bound(i - 1).to_string()
            }
        }
        AggregatingFunction::Llquantize { .. } => llquantize_label(function, i, len, first),
        _ => String::new(),
    }
}

fn llquantize_label(function: &AggregatingFunction, i: usize, len: usize, first: usize) -> String {
    let orders = Orders::new(function);
    let middle = len / 2;
    let distance = i.abs_diff(middle) as u32;
    let bound = orders.lower_bound(distance);
    match i.cmp(&middle) {
        std::cmp::Ordering::Equal if orders.smallest == 1 => "0".to_owned(),
        // No negative bucket is shown: there is no need to say abs().
        std::cmp::Ordering::Equal if first >= middle => format!("< {}", orders.smallest),
        std::cmp::Ordering::Equal => format!("abs() < {}", orders.smallest),
        std::cmp::Ordering::Greater if i + 1 == len => format!(">= {bound}"),
        std::cmp::Ordering::Greater => bound.to_string(),
        std::cmp::Ordering::Less if i == 0 => format!("<= -{bound}"),
        std::cmp::Ordering::Less => format!("-{bound}"),
    }
}

/// One bar with its count.
fn bar(out: &mut String, value: i64, normal: i64, scale: &Scale) {
    let half = if scale.positives && scale.negatives { BAR / 2 } else { BAR };
    let depth = if scale.total == 0.0 {
        0
    } else {
        ((value.unsigned_abs() as f64 * half as f64) / scale.total + 0.5) as usize
    };
    let (ats, blanks) = ("@".repeat(depth), " ".repeat(half.saturating_sub(depth)));
    let count = value / normal.max(1);
    let _ = match (scale.positives, scale.negatives) {
        (_, false) => writeln!(out, "|{ats}{blanks} {count:<9}"),
        (false, true) => writeln!(out, "{blanks}{ats}| {count:<9}"),
        (true, true) if value <= 0 => {
            writeln!(out, "{blanks}{ats}|{:half$} {count:<9}", "")
        }
        (true, true) => writeln!(out, "{:half$}|{ats}{blanks} {count:<9}", ""),
    };
}
