//! Keys of aggregations: their order, and what aggregations printed together share.
//!
//! In: keys as maps have them, and their layouts. Out: an order; and for several
//! aggregations one layout that holds the keys of all. Their keys agree in D's types, but
//! one may hold 16 bytes of text (`execname`) where another has 256 (a variable).

use crate::format::Surroundings;
use crate::record::{Data, decode};
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use strand_compiler::manifest::{Datum, DatumKind, SymbolKind};

/// A layout that keys of all these layouts fit into. The first says how integers are shown.
pub fn shared(layouts: &[&[Datum]]) -> Vec<Datum> {
    let Some((first, rest)) = layouts.split_first() else { return Vec::new() };
    let mut offset = 0;
    let mut shared = first.to_vec();
    for (i, datum) in shared.iter_mut().enumerate() {
        let sizes = rest.iter().filter_map(|layout| layout.get(i)).map(|d| d.size);
        datum.size = sizes.fold(datum.size, u32::max);
        datum.offset = offset;
        offset += datum.size.next_multiple_of(8);
    }
    shared
}

/// The key in another layout.
pub fn convert(key: &[u8], from: &[Datum], to: &[Datum]) -> Vec<u8> {
    let mut out = vec![0; to.last().map_or(0, |d| (d.offset + d.size) as usize)];
    for (from, to) in from.iter().zip(to) {
        let place = &mut out[to.offset as usize..][..to.size as usize];
        match decode(key, from) {
            // With its sign, which another size has elsewhere.
            Data::Int { value, .. } => copy(place, &value.to_le_bytes()),
            // What is behind the NUL is no part of the text.
            Data::Text(text) => copy(place, text),
            _ => {
                let start = from.offset as usize;
                copy(place, key.get(start..start + from.size as usize).unwrap_or(&[]));
            }
        }
    }
    out
}

/// By process (0: the kernel) and name: the address that stands for all of a module.
pub type Modules = FxHashMap<(u64, String), u64>;

/// Whether a part of a key is shown by a name that many addresses share.
pub fn is_name(datum: &Datum) -> bool {
    use SymbolKind::{Function, Module, Symbol};
    matches!(
        datum.kind,
        DatumKind::Symbol(Symbol | Function | Module)
            | DatumKind::UserSymbol(Symbol | Function | Module)
    )
}

/// Replaces addresses by those that stand for their symbols or modules.
pub fn name(
    key: &mut [u8],
    layout: &[Datum],
    around: &mut Surroundings<'_>,
    modules: &mut Modules,
) {
    for datum in layout.iter().filter(|d| is_name(d)) {
        let (kind, process, address, at) = match decode(key, datum) {
            Data::Symbol(kind, address) => (kind, 0, address, datum.offset),
            Data::UserSymbol(kind, tgid, address) => (kind, tgid, address, datum.offset + 8),
            _ => continue,
        };
        let named = match datum.kind {
            DatumKind::UserSymbol(_) if around.noresolve => None,
            DatumKind::UserSymbol(_) => around.symbols.user(process, address),
            _ => around.symbols.kernel(address),
        };
        let Some(named) = named else { continue };
        let standing = match (kind, named.symbol) {
            (SymbolKind::Module, _) => *modules.entry((process, named.module)).or_insert(address),
            (_, Some((_, distance))) => address - distance,
            (_, None) => address,
        };
        copy(&mut key[at as usize..], &standing.to_le_bytes());
    }
}

fn copy(to: &mut [u8], from: &[u8]) {
    let n = to.len().min(from.len());
    to[..n].copy_from_slice(&from[..n]);
}

/// Orders two keys of one layout; the datum at `first` counts most.
pub fn compare(layout: &[Datum], x: &[u8], y: &[u8], first: usize) -> Ordering {
    let n = layout.len();
    (0..n)
        .map(|i| {
            let datum = &layout[(first + i) % n];
            match (decode(x, datum), decode(y, datum)) {
                // Negative ones come last, whatever their type.
                (Data::Int { value: x, .. }, Data::Int { value: y, .. }) => {
                    (x as u64).cmp(&(y as u64))
                }
                (Data::Text(x), Data::Text(y)) => x.cmp(y),
                (x, y) if datum.kind != DatumKind::Bytes => words_of(&x).cmp(&words_of(&y)),
                (Data::Bytes(x), Data::Bytes(y)) => x.cmp(y),
                _ => Ordering::Equal,
            }
        })
        .find(|o| *o != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

fn words_of(data: &Data<'_>) -> Vec<u64> {
    match data {
        Data::Stack(f) => f.iter().collect(),
        Data::UserStack(tgid, f) | Data::CopiedStack(tgid, f, _) => {
            std::iter::once(*tgid).chain(f.iter()).collect()
        }
        Data::Symbol(_, a) => vec![*a],
        Data::UserSymbol(_, tgid, a) => vec![*tgid, *a],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datum(offset: u32, size: u32, kind: DatumKind) -> Datum {
        Datum { offset, size, kind }
    }

    #[test]
    fn keys_of_different_sizes_are_the_same_key() {
        let int = DatumKind::Int { signed: true };
        let narrow = [datum(0, 4, DatumKind::String), datum(4, 4, int)];
        let wide = [datum(0, 8, DatumKind::String), datum(8, 8, int)];
        let layout = shared(&[&narrow, &wide]);
        let a = convert(b"ab\0x\xff\xff\xff\xff", &narrow, &layout);
        let b = convert(b"ab\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", &wide, &layout);
        assert_eq!(a, b);
        assert_eq!(decode(&a, &layout[0]), Data::Text(b"ab"));
        assert_eq!(decode(&a, &layout[1]).number(), -1);
    }
}
