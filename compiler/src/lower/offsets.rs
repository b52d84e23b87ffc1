//! Where members of the kernel's records are, for code that reads them by address.
//!
//! In: a record and names of members, one within the other. Out: a field that CO-RE
//! relocates. Members of anonymous structs and unions are found like the record's own,
//! because kernels move members into such and back.

use super::context::Context;
use crate::btf::{Btf, BtfKind, BtfType};
use crate::ir::{Field, FieldId};

impl Context<'_, '_> {
    /// The field, unless this kernel has none of that name.
    pub(crate) fn field_of(&mut self, record: &str, path: &[&str]) -> Option<FieldId> {
        let field = self.find_field(record, path)?;
        Some(self.unit.field(field))
    }

    /// An element of a member that is an array of bytes.
    pub(crate) fn element_of(&mut self, record: &str, member: &str, index: u32) -> Option<FieldId> {
        let mut field = self.find_field(record, &[member])?;
        if index >= field.size {
            return None;
        }
        field.path.push(index);
        field.offset += index;
        field.size = 1;
        field.name = format!("{}[{index}]", field.name);
        Some(self.unit.field(field))
    }

    /// It is looked for once: every clause asks for the same few, in structs of hundreds.
    fn find_field(&mut self, record: &str, path: &[&str]) -> Option<Field> {
        let name = format!("{record}.{}", path.join("."));
        if let Some(known) = self.unit.found_fields.get(&name) {
            return known.clone();
        }
        let found = self.unit.kernel.btf().and_then(|btf| {
            let root = btf.find(record, |k| k == BtfKind::Struct)?;
            field(&btf, root, path)
        });
        self.unit.found_fields.insert(name, found.clone());
        found
    }
}

fn field(btf: &Btf, root: u32, names: &[&str]) -> Option<Field> {
    let mut field = Field {
        module: None,
        root,
        path: Vec::new(),
        name: btf.name(root).to_owned(),
        offset: 0,
        size: 0,
        signed: false,
        bits: None,
    };
    let mut record = root;
    for name in names {
        record = step(btf, record, name, &mut field)?;
        field.name = format!("{}.{name}", field.name);
    }
    field.size = btf.size(record)?;
    if let BtfType::Int { signed, .. } = btf.ty(record) {
        field.signed = signed;
    }
    Some(field)
}

/// Goes to a member; its type.
fn step(btf: &Btf, record: u32, name: &str, field: &mut Field) -> Option<u32> {
    let members = btf.members(record);
    let own = members.iter().position(|m| m.name == name && m.bits == 0);
    if let Some(index) = own {
        field.path.push(index as u32);
        field.offset += members[index].bit_offset / 8;
        return Some(btf.resolve(members[index].ty));
    }
    for (index, member) in members.iter().enumerate().filter(|(_, m)| m.name.is_empty()) {
        let inner = btf.resolve(member.ty);
        let before = (field.path.len(), field.offset);
        field.path.push(index as u32);
        field.offset += member.bit_offset / 8;
        if let Some(found) = step(btf, inner, name, field) {
            return Some(found);
        }
        field.path.truncate(before.0);
        field.offset = before.1;
    }
    None
}
