//! As much of a kernel's types as a loader needs to relocate an object.
//!
//! In: an object's `.BTF` and `.BTF.ext`, and the BTF of the kernel that it is loaded on. Out: BTF
//! with the types by whose names its CO-RE relocations begin, and what these hold by value. The
//! loader reads all that it is given, though it needs a thousandth of it. To what a pointer leads
//! isn't looked at by it, so all of them lead to void.

use super::write::{BtfBuilder, IntEncoding, NewMember, NewType};
use super::{Btf, BtfType};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The types that relocations begin at, by name and kind.
pub type Roots<'a> = BTreeSet<(&'a str, u8)>;

/// Where an object's relocations begin; `None` if `ext`, its `.BTF.ext`, is damaged.
pub fn roots<'a>(own: &'a Btf, ext: &[u8]) -> Option<Roots<'a>> {
    let word = |at: usize| Some(u32::from_le_bytes(ext.get(at..at + 4)?.try_into().ok()?));
    // After magic, version and flags: its length; then offset and length of functions, lines and
    // relocations, counted from its end.
    const RELOCATIONS: usize = 24;
    let header = word(4)? as usize;
    if header < RELOCATIONS + 8 {
        return Some(Roots::new());
    }
    let mut at = header + word(RELOCATIONS)? as usize;
    let end = at + word(RELOCATIONS + 4)? as usize;
    ext.get(at..end)?;
    let mut roots = Roots::new();
    if at == end {
        return Some(roots);
    }
    let size = word(at)? as usize;
    if size < 16 {
        return None;
    }
    at += 4;
    while at < end {
        // The section's name, and how many there are for it.
        let count = word(at + 4)? as usize;
        at += 8;
        for _ in 0..count {
            let ty = word(at + 4)?;
            roots.insert((own.name(ty), own.kind(ty) as u8));
            at += size;
        }
    }
    Some(roots)
}

/// The types at which relocations begin, of a kernel or else of its modules, which are asked for if
/// the kernel proper lacks one; `None` if all lack one.
pub fn excerpt(
    kernel: &Btf,
    modules: impl FnOnce() -> Vec<Arc<Btf>>,
    roots: &Roots<'_>,
) -> Option<Vec<u8>> {
    let mut copy = Copy { known: FxHashMap::default(), out: BtfBuilder::new() };
    let mut others = Vec::new();
    for (name, kind) in roots {
        if !copy.all_of(0, kernel, name, *kind) {
            others.push((name, kind));
        }
    }
    let modules = if others.is_empty() { Vec::new() } else { modules() };
    for (name, kind) in others {
        let mut found = false;
        for (n, module) in (1..).zip(&modules) {
            found |= copy.all_of(n, module, name, *kind);
        }
        if !found {
            return None;
        }
    }
    Some(copy.out.finish())
}

/// Types on their way.
struct Copy {
    /// Ids here, by the number of the BTF that has the type (0 is the kernel's) and its id there.
    known: FxHashMap<(usize, u32), u32>,
    out: BtfBuilder,
}

impl Copy {
    /// All of a name and kind, as the loader wants them to agree. Whether there are any.
    fn all_of(&mut self, n: usize, btf: &Btf, name: &str, kind: u8) -> bool {
        let mut found = false;
        for id in btf.named(name, |k| k as u8 == kind) {
            self.ty(n, btf, id);
            found = true;
        }
        found
    }

    fn ty(&mut self, n: usize, btf: &Btf, id: u32) -> u32 {
        if id == 0 {
            return 0;
        }
        // A module's types are numbered behind the kernel's, which they refer to.
        let key = if id < btf.first() { (0, id) } else { (n, id) };
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        // What is damaged may hold itself.
        self.known.insert(key, 0);
        let copy = match btf.ty(id) {
            BtfType::Int { name, size, signed, boolean, .. } => {
                let encoding = match (boolean, signed) {
                    (true, _) => IntEncoding::Bool,
                    (false, true) => IntEncoding::Signed,
                    (false, false) => IntEncoding::Unsigned,
                };
                self.out.add(NewType::Int { name, size, encoding })
            }
            BtfType::Float { name, size } => self.out.add(NewType::Float { name, size }),
            BtfType::Pointer(_) => self.out.add(NewType::Pointer(0)),
            BtfType::Array { element, len } => {
                let element = self.ty(n, btf, element);
                self.out.add(NewType::Array { element, len })
            }
            BtfType::Record { name, is_union, size } => {
                let copy = self.out.reserve();
                self.known.insert(key, copy);
                let members = btf.members(id);
                let members: Vec<NewMember> = members
                    .iter()
                    .map(|m| NewMember {
                        name: m.name,
                        ty: self.ty(n, btf, m.ty),
                        bit_offset: m.bit_offset,
                        bits: m.bits,
                    })
                    .collect();
                let record = NewType::Record { name, is_union, size, members: &members };
                self.out.define(copy, record);
                copy
            }
            BtfType::Enum { name, size, signed } => {
                let items = btf.enumerators(id);
                self.out.add(NewType::Enum { name, size, signed, items: &items })
            }
            BtfType::Forward { name, is_union } => {
                self.out.add(NewType::Forward { name, is_union })
            }
            BtfType::Typedef { name, to } => {
                let to = self.ty(n, btf, to);
                self.out.add(NewType::Typedef { name, to })
            }
            BtfType::Qualifier { to, .. } => self.ty(n, btf, to),
            // Nothing holds them by value.
            BtfType::Void
            | BtfType::Function { .. }
            | BtfType::FunctionProto { .. }
            | BtfType::Var { .. }
            | BtfType::Other => 0,
        };
        self.known.insert(key, copy);
        copy
    }
}
