//! Sizes and offsets of C's types on 64-bit machines.
//!
//! In: sizes and alignments of members, in order. Out: where each goes and how large the
//! record becomes. Knows nothing of names.

use super::Shape;
use crate::btf::{Btf, BtfType};

/// Where the members of a record go, by the System V ABI.
pub(super) struct RecordLayout {
    pub is_union: bool,
    pub packed: bool,
    /// Where the next member may start, in bits.
    end: u32,
    /// Largest end so far, in bits.
    size: u32,
    pub align: u32,
}

impl RecordLayout {
    pub fn new(is_union: bool, packed: bool) -> Self {
        RecordLayout { is_union, packed, end: 0, size: 0, align: 1 }
    }

    /// The bit offset of the next member; `bits` if it is a bit-field.
    pub fn place(&mut self, (size, align): Shape, bits: Option<u32>) -> u32 {
        let align = if self.packed { 1 } else { align.max(1) };
        let unit = size.max(1) * 8;
        let offset = match bits {
            // Starts a new unit.
            Some(0) => self.end.next_multiple_of(unit),
            // Stays within one aligned unit of its type, unless packed.
            Some(n) if self.packed || self.end % unit + n <= unit => self.end,
            Some(_) => self.end.next_multiple_of(unit),
            None => self.end.next_multiple_of(align * 8),
        };
        if bits != Some(0) {
            self.align = self.align.max(align);
        }
        let end = offset.saturating_add(bits.unwrap_or(size.saturating_mul(8)));
        self.size = self.size.max(end);
        self.end = if self.is_union { 0 } else { end };
        offset
    }

    /// The record's size.
    pub fn total(&self) -> u32 {
        self.size.div_ceil(8).next_multiple_of(self.align)
    }
}

/// Size and alignment of a type that is already in BTF.
pub(super) fn base_shape(btf: &Btf, id: u32) -> Option<Shape> {
    let id = btf.resolve(id);
    let align = match btf.ty(id) {
        BtfType::Array { element, .. } => base_shape(btf, element)?.1,
        // BTF has no alignments: the strictest member's, where the offsets allow it.
        BtfType::Record { .. } => {
            let fits = |m: &crate::btf::BtfMember| {
                let (_, align) = base_shape(btf, m.ty)?;
                m.bit_offset.is_multiple_of(align * 8).then_some(align)
            };
            btf.members(id).iter().filter_map(fits).max().unwrap_or(1)
        }
        _ => btf.size(id)?,
    };
    Some((btf.size(id)?, align))
}
