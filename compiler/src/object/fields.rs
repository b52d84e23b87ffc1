//! CO-RE: local copies of the kernel types that a program looks into.
//!
//! In: the [`Field`]s that relocations use, and the BTF of the kernel compiled against.
//! Out: types in the object's own BTF, and for each field the type and the access
//! string of its relocations.
//!
//! Theory of operation. A CO-RE relocation names a type of the object's BTF and a path
//! of member indices into it. The loader finds the type of that name in the running
//! kernel, follows the path by the *names* of the members, and patches the instruction
//! with what it finds. It also computes what the instruction held before, from the
//! local types, and refuses to go on if that isn't so. Hence the rules here:
//!
//! - A record is copied under its name, with its size, and with the members that some
//!   path goes through, at their offsets. Everything else is left out: a whole
//!   `task_struct` would be 250 members and, by value, dozens of other records.
//! - Indices in access strings count the members of the *copy*.
//! - What a path ends in must be of the same kind and size as in the kernel. Pointers
//!   are all alike to the loader, so the copies point to void.
//! - A record without a name can't be looked for. If a typedef names it, the typedef is
//!   the root. If not (a pointer to an unnamed member record), there is nothing to
//!   relocate by. Nor is there if the kernel has several types of one kind and name: the
//!   loader would try them all and refuse the program if they disagree; or if a module's
//!   type has the name of one of the kernel's, which the loader would take instead. Then
//!   the value of the kernel compiled against stays in the instruction, and the field is
//!   [reported](super::Object::fixed).
//! - One copy of a record serves all paths of a module through it, so all paths must be
//!   known before the first copy is made: that's the two passes.

use super::ObjectError;
use crate::btf::write::{BtfBuilder, IntEncoding, NewMember, NewType};
use crate::btf::{Btf, BtfKind, BtfType};
use crate::ir::{Field, FieldId, FieldInfo};
use crate::kernel::Kernel;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A type of the kernel compiled against: module (`None`: vmlinux) and id.
type Key = (Option<String>, u32);

/// The local copies, and how to refer to them.
pub(super) struct LocalTypes<'a> {
    fields: &'a [Field],
    btf: FxHashMap<Option<String>, Arc<Btf>>,
    /// Member or enumerator indices in use, by record or enum.
    needed: FxHashMap<Key, BTreeSet<u32>>,
    copies: FxHashMap<Key, u32>,
    /// The type to look for, by root: itself or a typedef of it; none if there is nothing
    /// to look for.
    roots: FxHashMap<Key, u32>,
}

/// What a relocation record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CoreRelocation {
    /// In the object's BTF.
    pub ty: u32,
    /// Place of the access string.
    pub access: u32,
    /// `enum bpf_core_relo_kind`
    pub kind: u32,
}

impl<'a> LocalTypes<'a> {
    /// First pass: what the used fields need.
    pub fn collect(
        fields: &'a [Field],
        used: impl IntoIterator<Item = FieldId>,
        kernel: &dyn Kernel,
    ) -> Result<Self, ObjectError> {
        let mut types = LocalTypes {
            fields,
            btf: FxHashMap::default(),
            needed: FxHashMap::default(),
            copies: FxHashMap::default(),
            roots: FxHashMap::default(),
        };
        for id in used {
            let field = fields.get(id.index()).ok_or(ObjectError::UnknownField(id.0))?;
            types.load(field, kernel)?;
            types.walk(field)?;
            let root = types.btf[&field.module].resolve(field.root);
            let (btf, key) = types.key(&field.module, root);
            if let Some(named) = named(&btf, root) {
                types.roots.insert(key, named);
            }
        }
        types.drop_ambiguous();
        Ok(types)
    }

    /// Forgets the roots that aren't the only ones of their name.
    fn drop_ambiguous(&mut self) {
        for (module, btf) in &self.btf {
            let own = |(m, _): &&Key| m == module;
            let ids: Vec<u32> =
                self.roots.iter().filter(|(k, _)| own(k)).map(|(_, named)| *named).collect();
            let mut ambiguous = btf.repeated(&ids);
            if let Some(base) = btf.base() {
                let twin = |id: &&u32| base.find(btf.name(**id), |k| k == btf.kind(**id)).is_some();
                ambiguous.extend(ids.iter().filter(twin));
            }
            self.roots.retain(|key, named| !own(&key) || !ambiguous.contains(named));
        }
    }

    /// The BTF that a field's root is in.
    pub fn btf(&self, id: FieldId) -> &Btf {
        &self.btf[&self.fields[id.index()].module]
    }

    fn load(&mut self, field: &Field, kernel: &dyn Kernel) -> Result<(), ObjectError> {
        if !self.btf.contains_key(&field.module) {
            let btf = match &field.module {
                Some(module) => kernel.module_btf(module),
                None => kernel.btf(),
            };
            let btf = btf.ok_or_else(|| ObjectError::NoBtf {
                field: field.name.clone(),
                module: field.module.clone().unwrap_or_else(|| "vmlinux".into()),
            })?;
            // Paths that leave a module's own types go on in the base's.
            if let Some(base) = btf.base() {
                self.btf.entry(None).or_insert_with(|| base.clone());
            }
            self.btf.insert(field.module.clone(), btf);
        }
        Ok(())
    }

    /// The BTF that owns a type, and the type's key: types that a module's BTF has from
    /// its base are vmlinux's.
    fn key(&self, module: &Option<String>, id: u32) -> (Arc<Btf>, Key) {
        let btf = &self.btf[module];
        if id < btf.first() && module.is_some() {
            return (self.btf[&None].clone(), (None, id));
        }
        (btf.clone(), (module.clone(), id))
    }

    fn walk(&mut self, field: &Field) -> Result<(), ObjectError> {
        let bad = || ObjectError::BadPath(field.name.clone());
        let mut module = field.module.clone();
        let mut id = self.btf[&module].resolve(field.root);
        for (step, index) in field.path.iter().enumerate() {
            let (btf, key) = self.key(&module, id);
            module = key.0.clone();
            let next = match btf.ty(id) {
                BtfType::Record { .. } => {
                    let member = btf.member(id, *index).ok_or_else(bad)?;
                    self.needed.entry(key).or_default().insert(*index);
                    member.ty
                }
                BtfType::Enum { .. } if step + 1 == field.path.len() => {
                    btf.enumerators(id).get(*index as usize).ok_or_else(bad)?;
                    self.needed.entry(key).or_default().insert(*index);
                    return Ok(());
                }
                // The loader takes any index into an array without a length.
                BtfType::Array { element, len } if len == 0 || *index < len => element,
                _ => return Err(bad()),
            };
            id = btf.resolve(next);
        }
        Ok(())
    }

    /// Second pass: the relocation for `info` of a field, with the copies that it needs.
    /// `None` if there is no name to find its root by.
    pub fn relocation(
        &mut self,
        id: FieldId,
        info: FieldInfo,
        out: &mut BtfBuilder,
    ) -> Result<Option<CoreRelocation>, ObjectError> {
        let field = &self.fields[id.index()];
        let root = self.btf[&field.module].resolve(field.root);
        let (btf, key) = self.key(&field.module, root);
        let Some(named) = self.roots.get(&key).copied() else { return Ok(None) };
        let copy = self.copy(&key, out);
        let ty = match btf.ty(named) {
            BtfType::Typedef { name, .. } => out.add(NewType::Typedef { name, to: copy }),
            _ => copy,
        };
        let is_enum = matches!(self.btf[&field.module].ty(root), BtfType::Enum { .. });
        let (kind, text) = match (info, is_enum && !field.path.is_empty()) {
            (FieldInfo::TypeExists, _) => (8, "0".to_owned()),
            (FieldInfo::TypeSize, _) => (9, "0".to_owned()),
            (FieldInfo::Exists, true) => (10, self.access(field)),
            (FieldInfo::EnumValue, true) => (11, self.access(field)),
            (FieldInfo::Offset, false) => (0, self.access(field)),
            (FieldInfo::Size, false) => (1, self.access(field)),
            (FieldInfo::Exists, false) => (2, self.access(field)),
            (FieldInfo::Signed, false) => (3, self.access(field)),
            (FieldInfo::LeftShift, false) => (4, self.access(field)),
            (FieldInfo::RightShift, false) => (5, self.access(field)),
            (FieldInfo::EnumValue, false) | (_, true) => {
                return Err(ObjectError::BadPath(field.name.clone()));
            }
        };
        Ok(Some(CoreRelocation { ty, access: out.string(&text), kind }))
    }

    /// `0:1:2` in indices of the copies; for an enumerator only its own.
    fn access(&self, field: &Field) -> String {
        let mut text = String::from("0");
        let mut module = field.module.clone();
        let mut id = self.btf[&module].resolve(field.root);
        for index in &field.path {
            let (btf, key) = self.key(&module, id);
            module = key.0.clone();
            let member = btf.member(id, *index);
            let local = |k: &Key| self.needed[k].range(..index).count();
            let next = match (btf.ty(id), member) {
                (_, Some(member)) => {
                    text.push_str(&format!(":{}", local(&key)));
                    member.ty
                }
                (BtfType::Enum { .. }, _) => return local(&key).to_string(),
                (BtfType::Array { element, .. }, _) => {
                    text.push_str(&format!(":{index}"));
                    element
                }
                _ => break,
            };
            id = btf.resolve(next);
        }
        text
    }

    /// The local copy of a type behind typedefs and qualifiers.
    fn copy(&mut self, key: &Key, out: &mut BtfBuilder) -> u32 {
        if let Some(id) = self.copies.get(key) {
            return *id;
        }
        // Damaged BTF may hold a record that contains itself.
        self.copies.insert(key.clone(), 0);
        let btf = self.btf[&key.0].clone();
        let id = match btf.ty(key.1) {
            BtfType::Void | BtfType::Other => 0,
            BtfType::Int { name, size, signed, boolean, .. } => {
                let encoding = match (boolean, signed) {
                    (true, _) => IntEncoding::Bool,
                    (_, true) => IntEncoding::Signed,
                    (_, false) => IntEncoding::Unsigned,
                };
                out.add(NewType::Int { name, size, encoding })
            }
            BtfType::Float { name, size } => out.add(NewType::Float { name, size }),
            BtfType::Array { element, len } => {
                let element = self.copy_in(&key.0, btf.resolve(element), out);
                out.add(NewType::Array { element, len })
            }
            BtfType::Record { name, is_union, size } => {
                let needed = self.needed.get(key).cloned().unwrap_or_default();
                let members: Vec<NewMember> = needed
                    .iter()
                    .filter_map(|i| btf.member(key.1, *i))
                    .map(|m| {
                        let ty = self.copy_in(&key.0, btf.resolve(m.ty), out);
                        NewMember { name: m.name, ty, bit_offset: m.bit_offset, bits: m.bits }
                    })
                    .collect();
                out.add(NewType::Record { name, is_union, size, members: &members })
            }
            BtfType::Enum { name, size, signed } => {
                let needed = self.needed.get(key).cloned().unwrap_or_default();
                let all = btf.enumerators(key.1);
                let items: Vec<_> = needed.iter().map(|i| all[*i as usize]).collect();
                out.add(NewType::Enum { name, size, signed, items: &items })
            }
            BtfType::Forward { name, is_union } => out.add(NewType::Forward { name, is_union }),
            // Anything else is only ever behind a pointer; see the rules above.
            _ => out.add(NewType::Pointer(0)),
        };
        self.copies.insert(key.clone(), id);
        id
    }

    fn copy_in(&mut self, module: &Option<String>, id: u32, out: &mut BtfBuilder) -> u32 {
        let (_, key) = self.key(module, id);
        self.copy(&key, out)
    }
}

/// A type itself if it has a name, else a typedef of it.
fn named(btf: &Btf, id: u32) -> Option<u32> {
    if !btf.name(id).is_empty() {
        return Some(id);
    }
    let mut typedefs = btf.own(|kind| kind == BtfKind::Typedef);
    let found = typedefs.find(|(typedef, _)| match btf.ty(*typedef) {
        BtfType::Typedef { to, .. } => btf.unqualified(to) == id,
        _ => false,
    });
    found.map(|(typedef, _)| typedef)
}
