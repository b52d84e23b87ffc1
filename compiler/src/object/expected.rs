//! What an instruction must hold before CO-RE patches it.
//!
//! In: a [`Field`] and the BTF of the kernel compiled against. Out: the value that the
//! loader will compute from the local types, by its own rules. A loader refuses an
//! object whose instructions hold something else, and says little about it; checking
//! here makes that an error of the compilation. For bit-fields loaders check nothing,
//! but choose the storage unit themselves: there a difference would be a wrong read.

use crate::bpf::insn::Insn;
use crate::btf::{Btf, BtfType};
use crate::ir::{Field, FieldInfo};

/// The value of `info`; `None` if the path doesn't fit or the question has no answer.
pub(super) fn value(btf: &Btf, field: &Field, info: FieldInfo) -> Option<i64> {
    let root = btf.resolve(field.root);
    match info {
        FieldInfo::TypeExists => return Some(1),
        FieldInfo::TypeSize => return btf.size(root).map(i64::from),
        _ => {}
    }
    if let (BtfType::Enum { .. }, [index]) = (btf.ty(root), &field.path[..]) {
        let (_, value) = *btf.enumerators(root).get(*index as usize)?;
        return match info {
            FieldInfo::EnumValue => Some(value),
            FieldInfo::Exists => Some(1),
            _ => None,
        };
    }
    let target = Target::find(btf, root, &field.path)?;
    let (offset, size) = target.unit(btf)?;
    Some(match info {
        FieldInfo::Exists => 1,
        FieldInfo::Offset => offset.into(),
        FieldInfo::Size => size.into(),
        FieldInfo::Signed => match btf.ty(btf.resolve(target.ty)) {
            BtfType::Int { signed, .. } | BtfType::Enum { signed, .. } => signed.into(),
            _ => 0,
        },
        FieldInfo::LeftShift => {
            let end = target.bit_offset + u64::from(target.width(size));
            64 + i64::from(offset) * 8 - end as i64
        }
        FieldInfo::RightShift => 64 - i64::from(target.width(size)),
        FieldInfo::TypeExists | FieldInfo::TypeSize | FieldInfo::EnumValue => return None,
    })
}

/// Where a path leads.
struct Target {
    ty: u32,
    bit_offset: u64,
    /// Width if it is a bit-field, else 0.
    bits: u8,
}

impl Target {
    fn find(btf: &Btf, root: u32, path: &[u32]) -> Option<Target> {
        let mut at = Target { ty: root, bit_offset: 0, bits: 0 };
        for index in path {
            let ty = btf.resolve(at.ty);
            at = match btf.ty(ty) {
                BtfType::Array { element, .. } => {
                    let distance = u64::from(*index) * u64::from(btf.size(element)?) * 8;
                    let bit_offset = at.bit_offset.checked_add(distance)?;
                    Target { ty: element, bit_offset, bits: 0 }
                }
                _ => {
                    let m = btf.member(ty, *index)?;
                    let bit_offset = at.bit_offset.checked_add(m.bit_offset.into())?;
                    Target { ty: m.ty, bit_offset, bits: m.bits }
                }
            };
        }
        Some(at)
    }

    fn width(&self, size: u32) -> u32 {
        if self.bits > 0 { self.bits.into() } else { size.saturating_mul(8) }
    }

    /// Byte offset and size of what a load reads: for a bit-field the smallest aligned
    /// unit, from its declared type upwards, that it lies in.
    fn unit(&self, btf: &Btf) -> Option<(u32, u32)> {
        let mut size = btf.size(self.ty)?;
        let byte = u32::try_from(self.bit_offset / 8).ok()?;
        if self.bits == 0 {
            return Some((byte, size));
        }
        let end = self.bit_offset + u64::from(self.bits);
        loop {
            let offset = byte.checked_div(size)? * size;
            if end <= (u64::from(offset) + u64::from(size)) * 8 {
                return Some((offset, size));
            }
            size = size.checked_mul(2).filter(|s| *s <= 8)?;
        }
    }
}

/// The part of an instruction that CO-RE patches; `next` is the other half of a 64-bit
/// immediate. `None` if it patches no such instruction.
pub(super) fn held(insn: Insn, next: Option<Insn>) -> Option<i64> {
    const LD_IMM64: u8 = 0x18;
    const REGISTER_SOURCE: u8 = 8;
    match insn.code & 7 {
        // Loads and stores.
        1..=3 => Some(insn.off.into()),
        // Arithmetic with an immediate.
        4 | 7 if insn.code & REGISTER_SOURCE == 0 => Some(insn.imm.into()),
        0 if insn.code == LD_IMM64 => Some(i64::from(next?.imm) << 32 | i64::from(insn.imm as u32)),
        _ => None,
    }
}
