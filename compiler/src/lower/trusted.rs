//! Which fields a program may load directly through a trusted pointer.
//!
//! In: a record and the bytes wanted. Out: what the verifier will take them for. The
//! verifier walks the record by offset alone and takes the first member that covers it,
//! so in a union it may see another type than the D program means; this walks the same
//! way, and a load is only direct where both agree. On other kernels what has no name may be a part
//! of a union that it isn't here, or in another order.

use crate::btf::{Btf, BtfType};

/// What the verifier sees at an offset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A number.
    Number,
    /// A pointer to this record.
    Record(u32),
}

/// Walks `record` to `size` bytes at `offset`; if `portable`, through records with names only.
pub(crate) fn walk(btf: &Btf, record: u32, offset: u32, size: u32, portable: bool) -> Option<Seen> {
    let mut record = btf.resolve(record);
    let mut offset = offset;
    'record: loop {
        let BtfType::Record { size: total, .. } = btf.ty(record) else { return None };
        if offset + size > total {
            return None;
        }
        for member in btf.members(record) {
            if member.bits != 0 {
                // Bit-fields are read as the unit around them: only helpers do that.
                let first = member.bit_offset / 8;
                let end = (member.bit_offset + u32::from(member.bits)).div_ceil(8);
                if offset >= first && offset < end {
                    return None;
                }
                continue;
            }
            let start = member.bit_offset / 8;
            if offset + size <= start {
                break;
            }
            let ty = btf.resolve(member.ty);
            let Some(bytes) = btf.size(ty) else { continue };
            if offset >= start + bytes {
                continue;
            }
            if offset < start {
                return None;
            }
            let (mut ty, mut within) = (ty, offset - start);
            while let BtfType::Array { element, .. } = btf.ty(ty) {
                ty = btf.resolve(element);
                within %= btf.size(ty)?.max(1);
            }
            match btf.ty(ty) {
                BtfType::Record { name, .. } => {
                    if portable && name.is_empty() {
                        return None;
                    }
                    (record, offset) = (ty, within);
                    continue 'record;
                }
                BtfType::Pointer(to) => {
                    if size != 8 || within != 0 || is_elsewhere(btf, to) {
                        return None;
                    }
                    let to = btf.resolve(to);
                    return match btf.ty(to) {
                        BtfType::Record { .. } => Some(Seen::Record(to)),
                        _ => Some(Seen::Number),
                    };
                }
                BtfType::Int { size: n, .. } | BtfType::Enum { size: n, .. } => {
                    return (within + size <= n).then_some(Seen::Number);
                }
                _ => return None,
            }
        }
        return None;
    }
}

/// Whether a pointer's target is tagged as user or per-CPU memory, which no load reaches.
fn is_elsewhere(btf: &Btf, mut target: u32) -> bool {
    while let BtfType::Qualifier { name, to, .. } = btf.ty(target) {
        if matches!(name, "user" | "percpu") {
            return true;
        }
        target = to;
    }
    false
}
