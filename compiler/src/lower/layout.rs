//! The layout of keys: tuples of associative arrays and aggregations, packed.
//!
//! In: the types of a tuple. Out: offsets, as BTF wants them and as the runtime reads
//! them. Integers keep their size and natural alignment; text gets as many bytes as
//! any use can need, and is the last part where it can be long; every gap is zero, since maps
//! compare keys byte by byte.

use crate::ir::{Layout, LayoutField, LayoutKind};
use crate::manifest::{Datum, DatumKind};
use crate::types::{Type, TypeId, Types};

/// Rounds `n` up to a multiple of `to`, a power of two.
pub(crate) fn round_up(n: u32, to: u32) -> u32 {
    (n + to - 1) & !(to - 1)
}

/// A key.
#[derive(Debug, Clone)]
pub(crate) struct KeyLayout {
    /// For BTF and the map.
    pub layout: Layout,
    /// For the runtime; the prefix is not among them.
    pub data: Vec<Datum>,
    /// What it begins with.
    pub prefix: Prefix,
    /// Offsets and sizes of gaps, which must be zeroed.
    pub gaps: Vec<(u32, u32)>,
}

/// A u64 at the start of a key, which is no part of the tuple.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    None,
    /// The thread's number.
    Thread,
    /// The number of the aggregation, of several in one map.
    Aggregation(u32),
}

impl KeyLayout {
    /// `bounds` has for each key the most bytes that text there can take, 0 if it isn't text.
    pub fn new(types: &Types, keys: &[TypeId], bounds: &[u32], prefix: Prefix) -> Self {
        let mut fields = Vec::new();
        let parts: Vec<(u32, u32, DatumKind)> = (0..)
            .zip(keys)
            .map(|(i, key)| datum(types, *key, bounds.get(i).copied().unwrap_or(0)))
            .collect();
        let placed = |(size, _, kind): &_| Datum { offset: 0, size: *size, kind: *kind };
        let mut data: Vec<Datum> = parts.iter().map(placed).collect();
        let last = super::short::longest(&data);
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by_key(|i| Some(*i) == last);
        let mut gaps = Vec::new();
        let mut end = 0;
        let mut align = 1;
        let name = match prefix {
            Prefix::None => None,
            Prefix::Thread => Some("thread"),
            Prefix::Aggregation(_) => Some("aggregation"),
        };
        if let Some(name) = name {
            let kind = LayoutKind::Int { bytes: 8, signed: false };
            fields.push(LayoutField { name: name.to_owned(), offset: 0, kind });
            (end, align) = (8, 8);
        }
        for i in order {
            let (size, alignment, kind) = parts[i];
            let offset = round_up(end, alignment);
            let layout_kind = match kind {
                DatumKind::Int { signed } => LayoutKind::Int { bytes: size as u8, signed },
                DatumKind::String => LayoutKind::String(size),
                DatumKind::Bytes | DatumKind::Float => LayoutKind::Bytes(size),
                DatumKind::Stack
                | DatumKind::UserStack
                | DatumKind::CopiedStack { .. }
                | DatumKind::Symbol(_)
                | DatumKind::UserSymbol(_) => LayoutKind::Words(size / 8),
            };
            fields.push(LayoutField { name: format!("k{i}"), offset, kind: layout_kind });
            data[i].offset = offset;
            gaps.push((end, offset - end));
            end = offset + size;
            align = align.max(alignment);
        }
        let size = round_up(end.max(1), align);
        gaps.push((end, size - end));
        gaps.retain(|(_, size)| *size > 0);
        KeyLayout { layout: Layout { size, align, fields }, data, prefix, gaps }
    }
}

/// Size, alignment and kind of a value of this type in a key or record.
pub(crate) fn datum(types: &Types, ty: TypeId, bound: u32) -> (u32, u32, DatumKind) {
    let size = types.size(ty).unwrap_or(8);
    match types.resolved(ty) {
        Type::String => {
            let bound = if bound == 0 { size } else { bound.min(size) };
            (round_up(bound, 8), 8, DatumKind::String)
        }
        Type::Stack(_) => (size, 8, DatumKind::Stack),
        Type::UserStack(_) => (size, 8, DatumKind::UserStack),
        Type::Symbol(kind) => (8, 8, DatumKind::Symbol(*kind)),
        Type::UserSymbol(kind) => (16, 8, DatumKind::UserSymbol(*kind)),
        Type::Float { bytes: 4 | 8, .. } => (size, size, DatumKind::Float),
        _ if types.is_scalar(ty) => (size, size, DatumKind::Int { signed: types.is_signed(ty) }),
        // A struct or array by value; copied and cleared in words where it can be.
        _ => (size, 8, DatumKind::Bytes),
    }
}
