//! Bytes of memory in records, and the types that `print()` shows them by.
//!
//! In: a read of a place. Out: its bytes, read where the record has room for them and
//! nowhere else before; for `print()` the type's layout in the manifest, once for each type.

use super::context::Context;
use super::unit::Unit;
use crate::ir::{Helper, Value, Width};
use crate::manifest::{Datum, Fault, TypeKind, TypeLayout, TypeMember};
use crate::typed::{Expr, ExprKind, PlaceBase};
use crate::types::{Space, Type, TypeId};

/// What an expression comes down to inside of its temporaries.
pub(crate) fn innermost(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Let { body, .. } => innermost(body),
        _ => e,
    }
}

impl Context<'_, '_> {
    /// Reads memory into a record, and stores its address there if that is wanted. False,
    /// and nothing was done, if the expression has no address and none is wanted.
    pub(crate) fn read_into(
        &mut self,
        record: Value,
        address: Option<&Datum>,
        datum: &Datum,
        e: &Expr,
    ) -> bool {
        let ExprKind::Read(place) = &innermost(e).kind else { return false };
        if address.is_none() && !matches!(place.base, PlaceBase::Memory { .. }) {
            return false;
        }
        let mut outer = e;
        while let ExprKind::Let { local, value, body } = &outer.kind {
            let value = self.expr(value);
            self.lets.insert(*local, value);
            outer = body;
        }
        let operand = self.address_of(place);
        let from = self.number(&operand);
        if let Some(address) = address {
            self.b.store(Width::W64, record, address.offset as i32, from);
        }
        let helper = match place.base {
            PlaceBase::Memory { space: Space::User, .. } => Helper::PROBE_READ_USER,
            PlaceBase::Memory { space: Space::Scratch, .. } => {
                self.scratch_access(from, datum.size, e.span);
                Helper::PROBE_READ_KERNEL
            }
            _ => Helper::PROBE_READ_KERNEL,
        };
        let to = self.b.add_imm(record, i64::from(datum.offset));
        let size = self.int(i64::from(datum.size));
        let result = self.helper(helper, &[to, size, from]);
        self.fault_if_negative(result, Fault::BadAddress, from, e.span);
        true
    }
}

impl Unit<'_> {
    /// The index of a type in the manifest.
    pub fn type_layout(&mut self, ty: TypeId) -> u32 {
        if let Some(index) = self.type_layouts.get(&ty) {
            return *index;
        }
        let index = self.manifest.types.len() as u32;
        self.type_layouts.insert(ty, index);
        let size = self.types().size(ty).unwrap_or(0);
        let name = self.name_of(ty);
        self.manifest.types.push(TypeLayout { name, size, kind: TypeKind::Opaque });
        let kind = self.type_kind(ty);
        self.manifest.types[index as usize].kind = kind;
        index
    }

    fn type_kind(&mut self, ty: TypeId) -> TypeKind {
        let types = self.types();
        match types.resolved(ty) {
            Type::Integer { signed, .. } => TypeKind::Int {
                signed: *signed,
                char: matches!(types.get(ty), Type::Integer { name, .. } if name == "char"),
            },
            Type::Float { .. } => TypeKind::Float,
            Type::Pointer { .. } => TypeKind::Pointer,
            Type::Enum(e) => {
                let e = types.enumeration(*e);
                TypeKind::Enum { signed: e.signed, items: e.items.clone() }
            }
            Type::Array { element, len } => {
                TypeKind::Array { element: self.type_layout(*element), len: *len }
            }
            Type::Record(record) => {
                let members = types.record(*record).members.iter();
                let members = members.map(|m| TypeMember {
                    name: m.name.clone(),
                    ty: self.type_layout(m.ty),
                    bit_offset: m.bit_offset,
                    bits: m.bits,
                });
                TypeKind::Record(members.collect())
            }
            _ => TypeKind::Opaque,
        }
    }

    /// The type as a cast has it; a struct without a tag is just that.
    fn name_of(&self, ty: TypeId) -> String {
        let types = self.types();
        match types.get(ty) {
            Type::Record(r) if types.record(*r).tag.is_none() => {
                let word = if types.record(*r).is_union { "union" } else { "struct" };
                word.to_owned()
            }
            Type::Enum(e) if types.enumeration(*e).tag.is_none() => "enum".to_owned(),
            _ => types.text(ty).replace("userland *", "*"),
        }
    }
}
