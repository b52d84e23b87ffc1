//! Aggregations: from per-CPU maps to printed tables.
//!
//! In: a map's keys with one value for each CPU, through [`Source`]. Out: merged and
//! sorted entries, as text. Decides what `clear`, `trunc` and `normalize` mean for maps
//! that programs go on updating:
//! - `clear` of a sum remembers what was there (a *baseline* for each CPU) and subtracts
//!   it from then on, so no update is lost between the reading and the clearing. Minimum
//!   and maximum can't be subtracted: they are set to zero in the map, and an update at
//!   that very moment may be lost.
//! - `trunc` deletes elements from the map; an update between reading and deleting is
//!   lost with them, as with every tracer.
//! - `normalize` only divides when printing.

mod key;
mod snapshot;

use crate::format::printf::Spec;
use crate::format::{Surroundings, print, quantize};
use crate::record::{Data, decode, word};
use rustc_hash::{FxHashMap, FxHashSet};
use snapshot::Snapshot;
use std::cmp::Ordering;
use std::fmt::Write;
use strand_compiler::manifest::{AggregatingFunction, Aggregation, Datum, Format, FormatPiece};

/// An element of a per-CPU map.
pub type Element = (Vec<u8>, Vec<Vec<u8>>);

/// Whoever can read and change the maps.
pub trait Source {
    /// All elements: key, and a value for each CPU.
    fn read(&mut self, map: &str) -> Result<Vec<Element>, String>;
    /// Removes an element.
    fn delete(&mut self, map: &str, key: &[u8]) -> Result<(), String>;
    /// Makes all CPUs' values zero.
    fn zero(&mut self, map: &str, key: &[u8], value_size: u32) -> Result<(), String>;
}

/// How entries are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// By key rather than by value.
    pub by_key: bool,
    /// The key that counts first.
    pub key_position: usize,
    /// With several aggregations: the one whose value counts.
    pub value_position: usize,
    /// Descending.
    pub reverse: bool,
}

/// A merged element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key's bytes; those of the first where several stand for one symbol.
    pub key: Vec<u8>,
    /// All keys in the map that it stands for.
    pub in_map: Vec<Vec<u8>>,
    /// Words of the value, summed over the CPUs as the function demands.
    pub words: Vec<i64>,
    /// The words of each CPU, if they are shown.
    pub cpus: Vec<Vec<i64>>,
}

/// A key with the words of each aggregation that is printed.
type Row = (Vec<u8>, Vec<Vec<i64>>);

/// What the runtime knows of one aggregation.
#[derive(Debug, Default)]
struct State {
    normal: Option<i64>,
    printed: bool,
    baseline: FxHashMap<Vec<u8>, Vec<Vec<u8>>>,
    cleared: FxHashSet<Vec<u8>>,
}

/// The elements of an aggregation's map that are its own.
fn read(a: &Aggregation, source: &mut dyn Source) -> Result<Vec<Element>, String> {
    let mut elements = source.read(&a.map)?;
    elements.retain(|element| is_of(a, element));
    Ok(elements)
}

/// Whether an element of the map that it shares with others is the aggregation's.
fn is_of(a: &Aggregation, (key, _): &Element) -> bool {
    a.number.is_none_or(|number| word(key, 0) == u64::from(number))
}

/// The words of each CPU.
fn alone(a: &Aggregation, cpus: &[Vec<u8>], baseline: &[Vec<u8>]) -> Vec<Vec<i64>> {
    let of = |(i, value)| {
        let before = baseline.get(i..=i).unwrap_or_default();
        let mut words = merge(&a.function, a.value_size, std::slice::from_ref(value), before);
        // What no value was compared with yet, as dtrace(1) shows it.
        match (&a.function, words.as_mut_slice()) {
            (AggregatingFunction::Min { .. }, [0, least, ..]) => *least = i64::MAX,
            (AggregatingFunction::Max { .. }, [0, most, ..]) => *most = i64::MIN,
            _ => {}
        }
        words
    };
    cpus.iter().enumerate().map(of).collect()
}

/// All aggregations of a program.
#[derive(Debug)]
pub struct Aggregations {
    all: Vec<Aggregation>,
    states: Vec<State>,
    modules: key::Modules,
    /// How they are sorted.
    pub order: Order,
    /// Each CPU's value is shown below the merged one.
    pub per_cpu: bool,
    /// Those values, by aggregation and key, of what is being printed.
    cpus: FxHashMap<(usize, Vec<u8>), Vec<Vec<i64>>>,
    /// What is printed, if that is not what the maps hold now.
    pub snapshot: Snapshot,
}

impl Aggregations {
    /// Of a manifest.
    pub fn new(all: Vec<Aggregation>) -> Self {
        let states = all.iter().map(|_| State::default()).collect();
        Aggregations {
            all,
            states,
            modules: key::Modules::default(),
            order: Order::default(),
            per_cpu: false,
            cpus: FxHashMap::default(),
            snapshot: Snapshot::default(),
        }
    }

    /// Takes a new snapshot, if it is time to.
    pub fn renew(&mut self, source: &mut dyn Source) -> Result<(), String> {
        self.snapshot.renew(self.all.iter().map(|a| a.map.as_str()), source)
    }

    /// Merged entries, unsorted. Addresses that are shown by one name are one key.
    pub fn entries(
        &mut self,
        n: usize,
        around: &mut Surroundings<'_>,
        source: &mut dyn Source,
    ) -> Result<Vec<Entry>, String> {
        let (a, state) = (&self.all[n], &self.states[n]);
        let named = a.keys.iter().any(key::is_name);
        let mut entries: Vec<Entry> = Vec::new();
        let mut of_name: FxHashMap<Vec<u8>, usize> = FxHashMap::default();
        for (key, cpus) in self.snapshot.read(a, source)? {
            let none = Vec::new();
            let baseline = state.baseline.get(&key).unwrap_or(&none);
            let words = merge(&a.function, a.value_size, &cpus, baseline);
            let of_cpus = if self.per_cpu { alone(a, &cpus, baseline) } else { Vec::new() };
            let updated = cpus.iter().any(|v| word(v, 0) != 0);
            if !updated && !state.cleared.contains(&key) {
                continue;
            }
            let mut shown = key.clone();
            if named {
                key::name(&mut shown, &a.keys, around, &mut self.modules);
                if let Some(i) = of_name.get(&shown) {
                    let other = &mut entries[*i];
                    let values = [bytes(&other.words), bytes(&words)];
                    other.words = merge(&a.function, a.value_size, &values, &[]);
                    for (mine, theirs) in other.cpus.iter_mut().zip(&of_cpus) {
                        let values = [bytes(mine), bytes(theirs)];
                        *mine = merge(&a.function, a.value_size, &values, &[]);
                    }
                    other.in_map.push(key);
                    continue;
                }
                of_name.insert(shown.clone(), entries.len());
            }
            entries.push(Entry { key: shown, in_map: vec![key], words, cpus: of_cpus });
        }
        Ok(entries)
    }

    /// `clear(@a)`
    pub fn clear(&mut self, n: usize, source: &mut dyn Source) -> Result<(), String> {
        let a = &self.all[n];
        let subtracts = !matches!(
            a.function,
            AggregatingFunction::Min { .. } | AggregatingFunction::Max { .. }
        );
        for (key, cpus) in read(a, source)? {
            if cpus.iter().all(|v| word(v, 0) == 0) && !self.states[n].cleared.contains(&key) {
                continue;
            }
            if subtracts {
                self.states[n].baseline.insert(key.clone(), cpus);
            } else {
                source.zero(&a.map, &key, a.value_size)?;
            }
            self.states[n].cleared.insert(key);
        }
        self.snapshot.forget(&a.map);
        Ok(())
    }

    /// `trunc(@a[, keep])`: keeps the greatest, or the least if `keep` is negative.
    pub fn trunc(
        &mut self,
        n: usize,
        keep: Option<i64>,
        around: &mut Surroundings<'_>,
        source: &mut dyn Source,
    ) -> Result<(), String> {
        let mut entries = self.entries(n, around, source)?;
        let a = &self.all[n];
        entries.sort_by(|x, y| {
            compare_values(a, x, y).then_with(|| key::compare(&a.keys, &x.key, &y.key, 0))
        });
        let keep = keep.unwrap_or(0);
        if keep > 0 {
            entries.reverse();
        }
        let surplus = entries.into_iter().skip(keep.unsigned_abs() as usize);
        for key in surplus.flat_map(|entry| entry.in_map) {
            if a.keys.is_empty() && a.number.is_none() {
                source.zero(&a.map, &key, a.value_size)?;
            } else {
                source.delete(&a.map, &key)?;
            }
            self.states[n].baseline.remove(&key);
            self.states[n].cleared.remove(&key);
        }
        self.snapshot.forget(&a.map);
        Ok(())
    }

    /// `normalize(@a, by)`, and `denormalize(@a)` with `None`.
    pub fn normalize(&mut self, n: usize, by: Option<i64>) {
        self.states[n].normal = by.filter(|v| *v != 0);
    }

    /// Prints what `printa` was given.
    pub fn printa(
        &mut self,
        out: &mut String,
        around: &mut Surroundings<'_>,
        which: &[usize],
        format: Option<&Format>,
        source: &mut dyn Source,
    ) -> Result<(), String> {
        for n in which {
            self.states[*n].printed = true;
        }
        let layout = self.layout(which);
        let rows = self.rows(which, &layout, around, source)?;
        if format.is_none() {
            out.push('\n');
        }
        for (key, values) in &rows {
            match format {
                Some(format) => self.formatted(out, around, which, format, (&layout, key), values),
                None => self.default_row(out, around, which, (&layout, key), values),
            }
        }
        Ok(())
    }

    /// Prints every aggregation that was not printed yet.
    pub fn print_rest(
        &mut self,
        out: &mut String,
        around: &mut Surroundings<'_>,
        source: &mut dyn Source,
    ) -> Result<(), String> {
        let mut all: Vec<usize> = (0..self.all.len()).collect();
        if self.order.reverse {
            all.reverse();
        }
        for n in all {
            if self.states[n].printed {
                continue;
            }
            let layout = self.layout(&[n]);
            for (key, values) in self.rows(&[n], &layout, around, source)? {
                self.default_row(out, around, &[n], (&layout, &key), &values);
            }
        }
        Ok(())
    }

    /// How keys lie in rows of these aggregations.
    fn layout(&self, which: &[usize]) -> Vec<Datum> {
        match which {
            [n] => self.all[*n].keys.clone(),
            _ => key::shared(&which.iter().map(|n| &self.all[*n].keys[..]).collect::<Vec<_>>()),
        }
    }

    /// Keys with the value of each aggregation, in order.
    fn rows(
        &mut self,
        which: &[usize],
        layout: &[Datum],
        around: &mut Surroundings<'_>,
        source: &mut dyn Source,
    ) -> Result<Vec<Row>, String> {
        let mut rows: FxHashMap<Vec<u8>, Vec<Vec<i64>>> = FxHashMap::default();
        let mut of_cpus = FxHashMap::default();
        for (i, n) in which.iter().enumerate() {
            for entry in self.entries(*n, around, source)? {
                let key = match which {
                    [_] => entry.key,
                    _ => key::convert(&entry.key, &self.all[*n].keys, layout),
                };
                let row = rows.entry(key.clone()).or_insert_with(|| {
                    which.iter().map(|n| vec![0; self.all[*n].value_size as usize / 8]).collect()
                });
                row[i] = entry.words;
                if self.per_cpu {
                    of_cpus.insert((*n, key), entry.cpus);
                }
            }
        }
        self.cpus = of_cpus;
        let mut rows: Vec<_> = rows.into_iter().collect();
        let position = self.order.value_position.min(which.len().saturating_sub(1));
        let Some(by_value) = which.get(position).map(|n| &self.all[*n]) else { return Ok(rows) };
        let order = self.order;
        let entry = |row: &Row| Entry {
            key: row.0.clone(),
            in_map: Vec::new(),
            words: row.1[position].clone(),
            cpus: Vec::new(),
        };
        rows.sort_by_cached_key(|row| SortKey { entry: entry(row), layout, by_value, order });
        if order.reverse {
            rows.reverse();
        }
        Ok(rows)
    }

    fn default_row(
        &self,
        out: &mut String,
        around: &mut Surroundings<'_>,
        which: &[usize],
        (layout, key): (&[Datum], &[u8]),
        values: &[Vec<i64>],
    ) {
        for datum in layout {
            print::value(out, around, &decode(key, datum), false);
        }
        for (n, words) in which.iter().zip(values) {
            self.default_value(out, *n, words);
            let cpus = self.cpus.get(&(*n, key.to_vec()));
            for (cpu, words) in cpus.into_iter().flatten().enumerate() {
                let _ = write!(out, "\n    [CPU {cpu}]");
                self.default_value(out, *n, words);
            }
        }
        out.push('\n');
    }

    fn default_value(&self, out: &mut String, n: usize, words: &[i64]) {
        let function = &self.all[n].function;
        let normal = self.states[n].normal.unwrap_or(1);
        match scalar(function, words, normal) {
            Some(Number { value, signed: false }) => {
                let _ = write!(out, " {:>16}", value as u64);
            }
            Some(Number { value, signed: true }) => {
                let _ = write!(out, " {value:>16}");
            }
            None => quantize::histogram(out, function, &words[1..], normal),
        }
    }

    fn formatted(
        &self,
        out: &mut String,
        around: &mut Surroundings<'_>,
        which: &[usize],
        format: &Format,
        (layout, key): (&[Datum], &[u8]),
        values: &[Vec<i64>],
    ) {
        let mut keys = layout.iter().map(|d| decode(key, d));
        let mut next = 0;
        for piece in &format.pieces {
            let c = match piece {
                FormatPiece::Literal(text) => {
                    out.push_str(text);
                    continue;
                }
                FormatPiece::Conversion(c) if c.letter == '%' => {
                    out.push('%');
                    continue;
                }
                FormatPiece::Conversion(c) => c,
            };
            if !c.aggregation {
                let spec = Spec::new(c, &mut keys);
                if let Some(data) = keys.next() {
                    spec.conversion(out, around, &data);
                }
                continue;
            }
            let spec = Spec::new(c, &mut keys);
            let i = next.min(which.len() - 1);
            next += 1;
            let n = which[i];
            let function = &self.all[n].function;
            let normal = self.states[n].normal.unwrap_or(1);
            match scalar(function, &values[i], normal) {
                Some(Number { value, signed }) => {
                    spec.conversion(out, around, &Data::Int { value, bytes: 8, signed });
                }
                None => quantize::histogram(out, function, &values[i][1..], normal),
            }
        }
    }
}

/// A number that an aggregating function comes to.
struct Number {
    value: i64,
    signed: bool,
}

/// The single number of an entry; `None` for histograms.
fn scalar(function: &AggregatingFunction, words: &[i64], normal: i64) -> Option<Number> {
    let at = |i: usize| words.get(i).copied().unwrap_or(0);
    let divide = |v: i64, signed: bool| {
        let value = if signed { v / normal } else { (v as u64 / normal as u64) as i64 };
        Some(Number { value, signed })
    };
    match *function {
        AggregatingFunction::Count => divide(at(0), true),
        AggregatingFunction::Sum { signed }
        | AggregatingFunction::Min { signed }
        | AggregatingFunction::Max { signed } => divide(at(1), signed),
        AggregatingFunction::Avg { signed } => {
            let count = at(0).max(1);
            let value = if signed {
                at(1) / normal / count
            } else {
                (at(1) as u64 / normal as u64 / count as u64) as i64
            };
            Some(Number { value, signed })
        }
        AggregatingFunction::Stddev { .. } => {
            Some(Number { value: deviation(words, normal) as i64, signed: false })
        }
        _ => None,
    }
}

/// √(mean of squares − square of the mean), of normalised values.
fn deviation(words: &[i64], normal: i64) -> u64 {
    let at = |i: usize| words.get(i).copied().unwrap_or(0);
    let count = at(0).max(1) as u128;
    let divisor = u128::from(normal.unsigned_abs().max(1));
    let squares = u128::from(at(2) as u64) | u128::from(at(3) as u64) << 64;
    let mean = i128::from(at(1)) / i128::from(normal) / count as i128;
    let mean_of_squares = squares / divisor / divisor / count;
    mean_of_squares.saturating_sub((mean * mean) as u128).isqrt() as u64
}

/// A value as a map has it.
fn bytes(words: &[i64]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// Adds up the CPUs' values, less what was there at the last `clear`.
fn merge(
    function: &AggregatingFunction,
    size: u32,
    cpus: &[Vec<u8>],
    baseline: &[Vec<u8>],
) -> Vec<i64> {
    let count = size as usize / 8;
    let mut words = vec![0i64; count];
    let mut best: Option<i64> = None;
    let mut squares = 0u128;
    for (cpu, value) in cpus.iter().enumerate() {
        let before = |i: usize| baseline.get(cpu).map_or(0, |b| word(b, 8 * i));
        for (i, w) in words.iter_mut().enumerate() {
            *w = w.wrapping_add(word(value, 8 * i).wrapping_sub(before(i)) as i64);
        }
        let wide = |lo: u64, hi: u64| u128::from(lo) | u128::from(hi) << 64;
        squares = squares.wrapping_add(
            wide(word(value, 16), word(value, 24)).wrapping_sub(wide(before(2), before(3))),
        );
        if word(value, 0) != 0 {
            let v = word(value, 8) as i64;
            let better = |known: i64| match function {
                AggregatingFunction::Min { signed: true } => v < known,
                AggregatingFunction::Min { signed: false } => (v as u64) < known as u64,
                AggregatingFunction::Max { signed: false } => v as u64 > known as u64,
                _ => v > known,
            };
            if best.is_none_or(better) {
                best = Some(v);
            }
        }
    }
    match function {
        AggregatingFunction::Min { .. } | AggregatingFunction::Max { .. } if count > 1 => {
            words[1] = best.unwrap_or(0);
        }
        AggregatingFunction::Stddev { .. } if count > 3 => {
            words[2] = squares as i64;
            words[3] = (squares >> 64) as i64;
        }
        _ => {}
    }
    words
}

// ------------------------------------------------------------------ sorting

struct SortKey<'a> {
    entry: Entry,
    layout: &'a [Datum],
    by_value: &'a Aggregation,
    order: Order,
}

impl Ord for SortKey<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (&self.entry.key, &other.entry.key);
        let keys = key::compare(self.layout, a, b, self.order.key_position);
        let values = compare_values(self.by_value, &self.entry, &other.entry);
        if self.order.by_key { keys.then(values) } else { values.then(keys) }
    }
}

impl PartialOrd for SortKey<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SortKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SortKey<'_> {}

fn compare_values(a: &Aggregation, x: &Entry, y: &Entry) -> Ordering {
    match (scalar(&a.function, &x.words, 1), scalar(&a.function, &y.words, 1)) {
        (Some(x), Some(y)) if x.signed => x.value.cmp(&y.value),
        (Some(x), Some(y)) => (x.value as u64).cmp(&(y.value as u64)),
        _ => weight(a, x).cmp(&weight(a, y)),
    }
}

/// The weighted sum of a histogram, and the weight of zero, which decides between equals.
fn weight(a: &Aggregation, entry: &Entry) -> (i128, i64) {
    use strand_compiler::buckets::{Orders, QUANTIZE_ZERO};
    let orders = Orders::new(&a.function);
    let buckets = entry.words.get(1..).unwrap_or(&[]);
    let last = buckets.len().saturating_sub(1);
    let bound = |i: usize| match a.function {
        AggregatingFunction::Quantize => match i as i32 - QUANTIZE_ZERO as i32 {
            0 => 0,
            d => i128::from(d.signum()) << (d.abs() - 1),
        },
        AggregatingFunction::Lquantize { low, .. } if i == 0 => i128::from(low) - 1,
        AggregatingFunction::Lquantize { low, step, .. } => {
            // What is above the highest bucket counts as one more than its bound.
            i128::from(low) + (i as i128 - 1) * i128::from(step) + i128::from(i == last)
        }
        _ => {
            let middle = buckets.len() / 2;
            let bound = i128::from(orders.lower_bound(i.abs_diff(middle) as u32));
            if i < middle { -bound } else { bound }
        }
    };
    let mut sum = (0i128, 0);
    for (i, n) in buckets.iter().enumerate().filter(|(_, n)| **n != 0) {
        let bound = bound(i);
        sum.0 = sum.0.saturating_add(bound.saturating_mul(i128::from(*n)));
        if bound == 0 {
            sum.1 += *n;
        }
    }
    sum
}
