//! Structs, unions and enums that the script defines, laid out as C does on LP64.
//!
//! In: member declarations. Out: records with offsets; enumerators as names.

use super::Checker;
use crate::names::Symbol;
use crate::types::{Enum, Member, Record, RecordId, Type, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};
use strand_grammar::ast::{self, Ident, MemberDeclaration};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

/// A record while members are added to it.
struct Layout {
    is_union: bool,
    /// First free bit of a struct.
    end: u32,
    /// Bits up to the end of what reaches furthest.
    largest: u32,
    align: u32,
    bit_fields: bool,
}

impl Layout {
    fn place(&mut self, size: u32, align: u32) -> u32 {
        self.align = self.align.max(align);
        if self.is_union {
            self.largest = self.largest.max(8 * size);
            return 0;
        }
        let offset = self.end.next_multiple_of(8 * align.max(1));
        self.end = offset + 8 * size;
        offset
    }

    /// A bit-field has the smallest unit that holds it, and begins at a byte of its own, as
    /// DTrace has it: two of them never share a byte. The unit of the last one counts for
    /// the struct's size, but what comes next may lie in it.
    fn place_bits(&mut self, bits: u32) -> u32 {
        self.bit_fields = true;
        let unit = 8 * bits.div_ceil(8).next_power_of_two();
        let offset = match self.is_union {
            true => 0,
            false => self.end.next_multiple_of(8).next_multiple_of(unit),
        };
        self.largest = self.largest.max(offset + unit);
        self.end = offset + bits;
        offset
    }

    /// Without bit-fields this is C's; with them there is nothing after the last member.
    fn size(&self) -> u32 {
        let align = if self.bit_fields { 1 } else { self.align.max(1) };
        self.largest.max(self.end).div_ceil(8).next_multiple_of(align)
    }
}

impl Checker<'_> {
    /// A struct or union that only has a name yet.
    pub(super) fn declare_record(&mut self, is_union: bool, tag: &str) -> TypeId {
        let record = self.types.add_record(Record {
            tag: Some(tag.to_owned()),
            is_union,
            size: 0,
            align: 1,
            complete: false,
            btf: None,
            members: Vec::new(),
        });
        let ty = self.types.intern(Type::Record(record));
        self.tags.insert((keyword(is_union), tag.to_owned()), ty);
        ty
    }

    pub(super) fn define_record(
        &mut self,
        is_union: bool,
        tag: Option<&Ident>,
        members: &[MemberDeclaration],
        span: Span,
    ) -> TypeId {
        let ty = match tag {
            Some(tag) => {
                let known = self.tags.get(&(keyword(is_union), tag.name.clone())).copied();
                let known = known.map(|ty| (ty, self.types.as_record(ty)));
                match known {
                    Some((ty, Some(record))) if self.types.record(record).complete => {
                        if !self.in_library(span) {
                            self.redefined(keyword(is_union), tag);
                        }
                        return ty;
                    }
                    Some((ty, Some(_))) => ty,
                    _ => self.declare_record(is_union, &tag.name),
                }
            }
            None => {
                let record = self.types.add_record(Record {
                    tag: None,
                    is_union,
                    size: 0,
                    align: 1,
                    complete: false,
                    btf: None,
                    members: Vec::new(),
                });
                self.types.intern(Type::Record(record))
            }
        };
        if let Some(record) = self.types.as_record(ty) {
            self.lay_out(record, members);
        }
        ty
    }

    fn redefined(&mut self, keyword: &str, tag: &Ident) {
        let message = format!("`{keyword} {}` is defined twice", tag.name);
        self.report(Diagnostic::error("D_DECL_TYPERED", tag.span, message));
    }

    fn lay_out(&mut self, record: RecordId, members: &[MemberDeclaration]) {
        let is_union = self.types.record(record).is_union;
        let mut layout = Layout { is_union, end: 0, largest: 0, align: 1, bit_fields: false };
        let mut all = Vec::new();
        let mut names: FxHashMap<&str, Span> = FxHashMap::default();
        for m in members {
            if let Some(name) = &m.name
                && let Some(first) = names.insert(&name.name, name.span)
            {
                self.report(
                    Diagnostic::error(
                        "D_UNKNOWN",
                        name.span,
                        format!("there are two members `{}`", name.name),
                    )
                    .label(first, "the other one"),
                );
                continue;
            }
            let ty = self.type_name(&m.ty);
            if let Some(member) = self.lay_out_member(&mut layout, m, ty) {
                all.push(member);
            }
        }
        let r = self.types.record_mut(record);
        r.size = layout.size();
        r.align = layout.align;
        r.complete = true;
        r.members = all;
    }

    fn lay_out_member(
        &mut self,
        layout: &mut Layout,
        m: &MemberDeclaration,
        ty: TypeId,
    ) -> Option<Member> {
        if self.is_bad(ty) {
            return None;
        }
        let name = m.name.as_ref().map_or_else(String::new, |n| n.name.clone());
        if let Some(width) = &m.bits {
            let bits = self.bit_width(width, m, ty)?;
            if bits == 0 {
                return None;
            }
            let bit_offset = layout.place_bits(bits);
            let bits = Some(bits as u8);
            return (!name.is_empty()).then_some(Member { name, ty, bit_offset, bits });
        }
        let flexible = matches!(self.types.resolved(ty), Type::Array { len: 0, .. });
        let Some(size) = self.types.size(ty) else {
            let message = format!("member `{name}` is of type `{}`", self.text(ty));
            let (code, why) = match self.types.as_record(ty) {
                Some(_) => ("D_DECL_INCOMPLETE", "the size of this type isn't known"),
                None => ("D_DECL_VOIDOBJ", "nothing of this type has a size"),
            };
            self.report(Diagnostic::error(code, m.ty.span, message).here(why));
            return None;
        };
        let align = self.exact_align(ty);
        let bit_offset = layout.place(if flexible { 0 } else { size }, align);
        Some(Member { name, ty, bit_offset, bits: None })
    }

    fn bit_width(&mut self, width: &ast::Expr, m: &MemberDeclaration, ty: TypeId) -> Option<u32> {
        if !self.types.is_integer(ty) {
            let message = format!("a bit-field can't be of type `{}`", self.text(ty));
            self.report(Diagnostic::error("D_DECL_BFTYPE", m.ty.span, message));
            return None;
        }
        let bits = self.constant(width, "D_DECL_BFCONST", "a bit-field's width")?;
        let most = 8 * i64::from(self.types.size(ty).unwrap_or(4));
        if bits < 0 || bits == 0 && m.name.is_some() {
            let d = Diagnostic::error("D_DECL_BFCONST", width.span, "a bit-field needs a bit");
            self.report(d.here(format!("1 to {most} are possible, not {bits}")));
            return None;
        }
        if bits > most {
            let message = format!("a bit-field of `{}` can't have {bits} bits", self.text(ty));
            self.report(
                Diagnostic::error("D_DECL_BFSIZE", width.span, message)
                    .here(format!("1 to {most} are possible")),
            );
            return None;
        }
        Some(bits as u32)
    }

    /// The alignment that C gives a type; members of kernel records are looked at.
    fn exact_align(&mut self, ty: TypeId) -> u32 {
        match self.types.resolved(ty).clone() {
            Type::Array { element, .. } => self.exact_align(element),
            Type::Record(record) if self.types.record(record).btf.is_some() => {
                self.kernel_types.load(self.kernel, &mut self.types, record);
                let members = self.types.record(record).members.clone();
                let size = self.types.record(record).size;
                let align = members.iter().map(|m| self.exact_align(m.ty)).max().unwrap_or(1);
                // What doesn't fit its members' alignment is packed.
                if size.is_multiple_of(align) { align } else { 1 }
            }
            Type::Record(record) => self.types.record(record).align,
            _ => self.types.align(ty),
        }
    }

    // --------------------------------------------------------------------- enums

    pub(super) fn define_enum(
        &mut self,
        tag: Option<&Ident>,
        items: &[ast::Enumerator],
        span: Span,
    ) -> TypeId {
        if let Some(tag) = tag
            && let Some(known) = self.tags.get(&("enum", tag.name.clone()))
        {
            let known = *known;
            if !self.in_library(span) {
                self.redefined("enum", tag);
            }
            return known;
        }
        let id = self.types.add_enum(Enum {
            tag: tag.map(|t| t.name.clone()),
            bytes: 4,
            signed: true,
            btf: None,
            items: Vec::new(),
        });
        let ty = self.types.intern(Type::Enum(id));
        if let Some(tag) = tag {
            self.tags.insert(("enum", tag.name.clone()), ty);
        }
        let mut next = 0i64;
        let mut names: FxHashSet<&str> = FxHashSet::default();
        for item in items {
            if let Some(e) = &item.value {
                next = self.constant(e, "D_DECL_ENCONST", "an enumerator").unwrap_or(next);
            }
            if i32::try_from(next).is_err() {
                let message = format!("`{}` doesn't fit the int of an enum", item.name.name);
                self.report(
                    Diagnostic::error("D_DECL_ENOFLOW", item.name.span, message)
                        .here(format!("its value is {next}")),
                );
                next = 0;
            }
            if !names.insert(&item.name.name) {
                let message = format!("this enum has a `{}` already", item.name.name);
                self.report(Diagnostic::error("D_UNKNOWN", item.name.span, message));
                continue;
            }
            self.enumerator(&item.name, next, ty);
            let e = self.types.enumeration_mut(id);
            e.items.push((item.name.name.clone(), next));
            next += 1;
        }
        ty
    }

    fn enumerator(&mut self, name: &Ident, value: i64, ty: TypeId) {
        if self.names.global(&name.name).is_some() || self.is_builtin(&name.name) {
            if !self.in_library(name.span) {
                let message = format!("`{}` is already something else", name.name);
                self.report(Diagnostic::error("D_DECL_IDRED", name.span, message));
            }
            return;
        }
        self.names.define(&name.name, Symbol::Enumerator(value, ty));
    }
}

fn keyword(is_union: bool) -> &'static str {
    if is_union { "union" } else { "struct" }
}
