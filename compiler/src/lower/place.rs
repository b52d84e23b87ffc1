//! Reading memory: fields of kernel structs, array elements, what a pointer points to.
//!
//! In: a [`Place`] — a base and steps inwards. Out: the value there, or its address. A
//! run of members of BTF records becomes one CO-RE field. Where the base is a trusted
//! pointer and the verifier sees the same type there as D does, a field is one load;
//! otherwise it is read by a helper whose failure is D's fault.

use super::context::{Context, Operand, Text};
use super::trusted::{self, Seen};
use crate::btf::{Btf, BtfKind, BtfType};
use crate::ir::{BinOp, Bits, Cond, Field, FieldId, FieldInfo, Helper, Type, UnOp, Value, Width};
use crate::manifest::Fault;
use crate::typed::{Expr, Place, PlaceBase, Step};
use crate::types::{Member, RecordId, Space, Type as DType, TypeId};
use std::rc::Rc;

/// Bits of a bit-field that a step ended in.
#[derive(Clone, Copy)]
struct BitField {
    /// Bits below it in its storage unit.
    shift: u32,
    bits: u32,
    /// Bytes of the storage unit.
    unit: u32,
    signed: bool,
    /// The field that says so on the running kernel.
    field: Option<FieldId>,
}

/// Steps folded as far as they are constant.
enum Folded {
    /// So many bytes.
    Bytes(u32),
    /// A kernel field.
    Field(FieldId),
    /// A number found at run time.
    Computed(Value),
}

impl Context<'_, '_> {
    /// The value at a place.
    pub fn read(&mut self, place: &Place, ty: TypeId) -> Operand {
        match &place.base {
            PlaceBase::Memory { address, space } => {
                let base = self.expr(address);
                self.read_memory(&base, *space, place, ty)
            }
            PlaceBase::Variable(id) => {
                let at = self.variable_address(*id, false);
                match at {
                    Some((at, missing)) => self.read_inside(at, missing, place, ty),
                    None => self.zero_value(ty),
                }
            }
            PlaceBase::Element(id, keys) => {
                let (at, missing) = self.element_address(*id, keys);
                self.read_inside(at, Some(missing), place, ty)
            }
        }
    }

    /// The address of a place in memory.
    pub fn address_of(&mut self, place: &Place) -> Operand {
        match &place.base {
            PlaceBase::Memory { address, .. } => {
                let base = self.expr(address);
                if place.steps.is_empty() {
                    return base;
                }
                let base = self.number(&base);
                Operand::Number(self.step_all(base, place))
            }
            PlaceBase::Variable(id) => {
                let address = self.variable_address(*id, true);
                let at = address.map(|(at, _)| at);
                let at = match at {
                    Some(at) => self.step_all(at, place),
                    None => self.int(0),
                };
                Operand::Bytes(at, self.unit.size(place.ty))
            }
            PlaceBase::Element(id, keys) => {
                let at = self.element_for_writing(*id, keys);
                let at = self.step_all(at, place);
                Operand::Bytes(at, self.unit.size(place.ty))
            }
        }
    }

    /// `base` plus all steps.
    pub(crate) fn step_all(&mut self, base: Value, place: &Place) -> Value {
        let (offset, _) = self.fold(place);
        self.add_folded(base, offset)
    }

    fn add_folded(&mut self, base: Value, offset: Folded) -> Value {
        match offset {
            Folded::Bytes(n) => self.b.add_imm(base, i64::from(n)),
            Folded::Field(field) => {
                let offset = self.b.field_info(field, FieldInfo::Offset);
                self.b.binary(BinOp::Add, base, offset)
            }
            Folded::Computed(offset) => self.b.binary(BinOp::Add, base, offset),
        }
    }

    fn read_memory(&mut self, base: &Operand, space: Space, place: &Place, ty: TypeId) -> Operand {
        if let (Operand::Trusted(p, record), Space::Kernel) = (base, space)
            && let Some(value) = self.load_directly(*p, record, place, ty)
        {
            return value;
        }
        let base = if place.steps.is_empty() { self.raw(base) } else { self.number(base) };
        let (offset, bits) = self.fold(place);
        let address = self.add_folded(base, offset);
        let helper = match space {
            Space::Kernel => Helper::PROBE_READ_KERNEL,
            Space::User => Helper::PROBE_READ_USER,
            Space::Scratch => {
                let size = bits.map_or_else(|| self.unit.size(ty), |b| b.unit);
                let at = self.scratch_access(address, size, place.span);
                return self.value_in(at, ty, bits);
            }
        };
        if matches!(self.unit.types().resolved(ty), DType::String) {
            let text = match space {
                Space::User => Text::User(address, None),
                _ => Text::Kernel(address, None),
            };
            return Operand::Text(text);
        }
        let size = bits.map_or_else(|| self.unit.size(ty), |b| b.unit);
        let at = self.memory(size);
        let n = self.int(i64::from(size));
        let result = self.helper(helper, &[at, n, address]);
        self.fault_if_negative(result, Fault::BadAddress, address, place.span);
        self.value_in(at, ty, bits)
    }

    /// The value in memory that the program may dereference.
    fn value_in(&mut self, at: Value, ty: TypeId, bits: Option<BitField>) -> Operand {
        if let Some(bits) = bits {
            return Operand::Number(self.extract(at, bits));
        }
        let size = self.unit.size(ty);
        if self.unit.types().is_scalar(ty)
            && let Some(width) = Width::of(size)
        {
            let signed = self.unit.types().is_signed(ty);
            return Operand::Number(self.b.load(width, signed, at, 0));
        }
        match self.unit.types().resolved(ty) {
            DType::String => Operand::Text(Text::Stored(at, size)),
            _ => Operand::Bytes(at, size),
        }
    }

    fn extract(&mut self, at: Value, bits: BitField) -> Value {
        let width = Width::of(bits.unit).unwrap_or(Width::W64);
        let unit = self.b.load(width, false, at, 0);
        let (left, right) = match bits.field {
            Some(field) => (
                self.b.field_info(field, FieldInfo::LeftShift),
                self.b.field_info(field, FieldInfo::RightShift),
            ),
            None => (
                self.int(i64::from(64 - bits.shift - bits.bits)),
                self.int(i64::from(64 - bits.bits)),
            ),
        };
        let shifted = self.b.binary(BinOp::Shl, unit, left);
        let op = if bits.signed { BinOp::AShr } else { BinOp::LShr };
        self.b.binary(op, shifted, right)
    }

    /// Reads a part of a variable; where there is no element the value is 0 or empty.
    fn read_inside(
        &mut self,
        at: Value,
        missing: Option<crate::ir::BlockId>,
        place: &Place,
        ty: TypeId,
    ) -> Operand {
        let (offset, bits) = self.fold(place);
        let text = matches!(self.unit.types().resolved(place.base_ty), DType::String);
        if text && !place.steps.is_empty() {
            return self.read_char(at, missing, offset, place, ty);
        }
        let at = self.add_folded(at, offset);
        let value = self.value_in(at, ty, bits);
        match missing {
            Some(missing) => self.or_zero(value, missing, ty),
            None => value,
        }
    }

    /// A byte of text, which must not be NULL.
    fn read_char(
        &mut self,
        at: Value,
        missing: Option<crate::ir::BlockId>,
        offset: Folded,
        place: &Place,
        ty: TypeId,
    ) -> Operand {
        let zero = self.int(0);
        // Without an element there is only a constant to tell of.
        let constant = match offset {
            Folded::Bytes(n) => i64::from(n),
            _ => 0,
        };
        let number = self.add_folded(zero, offset);
        let bad = self.b.block(&[Type::I64]);
        let good = self.b.block(&[]);
        let start = self.start_of_text(at);
        self.b.branch_with(Cond::Eq, start, zero, Self::to(bad, &[number]), Self::to(good, &[]));
        if let Some(missing) = missing {
            self.b.switch_to(missing);
            let constant = self.int(constant);
            self.b.jump(bad, &[constant]);
        }
        self.b.switch_to(bad);
        let at_fault = self.b.block_param(bad, 0);
        self.raise(Fault::BadAddress, at_fault, place.span);
        self.b.switch_to(good);
        let at = self.b.binary(BinOp::Add, at, number);
        self.value_in(at, ty, None)
    }

    /// Joins a value with what `missing` stands for: 0, or empty text, or zero bytes.
    pub(crate) fn or_zero(
        &mut self,
        value: Operand,
        missing: crate::ir::BlockId,
        ty: TypeId,
    ) -> Operand {
        let scalar = matches!(value, Operand::Number(_) | Operand::Trusted(..));
        let kind = if scalar { Type::I64 } else { Type::Ptr };
        let done = self.b.block(&[kind]);
        let found = match &value {
            Operand::Text(Text::Stored(at, _)) | Operand::Bytes(at, _) => *at,
            other => self.number(other),
        };
        self.b.jump(done, &[found]);
        self.b.switch_to(missing);
        let size = self.unit.size(ty);
        let zero = if scalar {
            self.int(0)
        } else {
            let at = self.unit.zeros(size);
            self.b.rodata(at)
        };
        self.b.jump(done, &[zero]);
        self.b.switch_to(done);
        let joined = self.b.block_param(done, 0);
        match value {
            Operand::Text(_) => Operand::Text(Text::Stored(joined, size)),
            Operand::Bytes(..) => Operand::Bytes(joined, size),
            _ => Operand::Number(joined),
        }
    }

    /// What a variable or element that was never set holds.
    pub(crate) fn zero_value(&mut self, ty: TypeId) -> Operand {
        let size = self.unit.size(ty);
        if self.unit.types().is_scalar(ty) {
            return Operand::Number(self.int(0));
        }
        let at = self.unit.zeros(size);
        let at = self.b.rodata(at);
        match self.unit.types().resolved(ty) {
            DType::String => Operand::Text(Text::Stored(at, size)),
            _ => Operand::Bytes(at, size),
        }
    }

    // ------------------------------------------------------- direct loads

    /// One load through a trusted pointer, if the verifier sees what D means.
    fn load_directly(
        &mut self,
        p: Value,
        record: &Rc<(Option<String>, u32)>,
        place: &Place,
        ty: TypeId,
    ) -> Option<Operand> {
        let size = self.unit.types().size(ty)?;
        if !self.unit.types().is_scalar(ty) {
            return None;
        }
        let field = self.constant_field(place)?;
        if field.bits.is_some() || (&field.module, field.root) != (&record.0, record.1) {
            return None;
        }
        let btf = match &record.0 {
            Some(module) => self.unit.kernel.module_btf(module)?,
            None => self.unit.kernel.btf()?,
        };
        let portable = self.unit.options.portable;
        let seen = trusted::walk(&btf, record.1, field.offset, size, portable)?;
        let pointer = match self.unit.types().resolved(ty) {
            DType::Pointer { to, .. } => self.record_of(*to),
            _ => None,
        };
        let target = match (&seen, pointer) {
            (Seen::Number, None) => None,
            (Seen::Record(id), Some(target)) => {
                let owner = record.0.clone().filter(|_| *id >= btf.first());
                if target != (owner, *id) {
                    return None;
                }
                Some(Rc::new(target))
            }
            _ => return None,
        };
        let zero = self.int(0);
        let name_of_fault = i64::from(field.offset);
        let field = self.unit.field(field);
        let bad_address = self.int(name_of_fault);
        self.fault_if(Cond::Eq, p, zero, Fault::BadAddress, bad_address, place.span);
        let width = Width::of(size)?;
        let signed = self.unit.types().is_signed(ty);
        Some(match target {
            Some(target) => {
                Operand::Trusted(self.b.load_field(Type::Ptr, width, false, p, field), target)
            }
            None => Operand::Number(self.b.load_field(Type::I64, width, signed, p, field)),
        })
    }

    /// A field of one of vmlinux's records behind a trusted pointer, by member names;
    /// pointers on the way are followed. 0 where this kernel has no such field.
    pub(crate) fn kernel_field(&mut self, base: Value, record: &str, path: &[&str]) -> Operand {
        let zero = self.int(0);
        let Some(btf) = self.unit.kernel.btf() else { return Operand::Number(zero) };
        let Some(mut root) = btf.find(record, |k| k == BtfKind::Struct) else {
            return Operand::Number(zero);
        };
        let mut base = base;
        let mut rest = path;
        loop {
            let Some((field, ty, used)) = name_path(&btf, root, rest) else {
                return Operand::Number(zero);
            };
            rest = &rest[used..];
            let width = Width::of(field.size).unwrap_or(Width::W64);
            let signed = field.signed;
            let id = self.unit.field(field);
            if rest.is_empty() {
                let v = self.b.load_field(Type::I64, width, signed, base, id);
                return Operand::Number(v);
            }
            base = self.b.load_field(Type::Ptr, width, false, base, id);
            root = ty;
        }
    }

    /// The BTF record that a type is, if it is one.
    fn record_of(&self, ty: TypeId) -> Option<(Option<String>, u32)> {
        match self.unit.types().resolved(ty) {
            DType::Record(id) => self.unit.types().record(*id).btf.clone(),
            _ => None,
        }
    }

    /// The place as one kernel field, if all its steps are constant steps into BTF records.
    fn constant_field(&self, place: &Place) -> Option<Field> {
        let mut path = FieldPath::default();
        for step in &place.steps {
            match step {
                Step::Member { record, index } => {
                    path.member(self.unit.types(), *record, *index)?
                }
                Step::Index { index, stride, .. } => match index.kind {
                    crate::typed::ExprKind::Int(n) => {
                        path.index(u32::try_from(n).ok()?, *stride)?
                    }
                    _ => return None,
                },
            }
        }
        path.field(self.unit.types(), place.ty)
    }

    // ------------------------------------------------------------- folding

    /// All steps as one offset, and the bits if they end in a bit-field.
    fn fold(&mut self, place: &Place) -> (Folded, Option<BitField>) {
        if let Some(field) = self.constant_field(place) {
            let bits = field.bits.map(|b| (b, field.size, field.signed));
            let id = self.unit.field(field);
            let bits = bits.map(|(b, unit, signed)| BitField {
                shift: b.offset.into(),
                bits: b.size.into(),
                unit,
                signed,
                field: Some(id),
            });
            return (Folded::Field(id), bits);
        }
        let types = self.unit.types();
        let mut bytes = 0;
        let mut computed: Option<Value> = None;
        let mut bits = None;
        let mut run = FieldPath::default();
        for (i, step) in place.steps.iter().enumerate() {
            match step {
                Step::Member { record, index } => {
                    if run.member(types, *record, *index).is_some() {
                        continue;
                    }
                    self.flush(&mut run, place, i, &mut computed);
                    let member = &types.record(*record).members[*index as usize];
                    let (offset, field) = script_member(types, member);
                    bytes += offset;
                    bits = field;
                }
                Step::Index { index, stride, len } => {
                    self.flush(&mut run, place, i, &mut computed);
                    if let crate::typed::ExprKind::Int(n) = index.kind {
                        bytes += (n as u32).wrapping_mul(*stride);
                        continue;
                    }
                    let n = self.index_value(index, *len);
                    let scaled = self.b.binary_imm(BinOp::Mul, n, i64::from(*stride));
                    computed = Some(match computed {
                        Some(sum) => self.b.binary(BinOp::Add, sum, scaled),
                        None => scaled,
                    });
                }
            }
        }
        let end = place.steps.len();
        if let Some(field) = run.field(types, place.ty) {
            bits = field.bits.map(|b| BitField {
                shift: b.offset.into(),
                bits: b.size.into(),
                unit: field.size,
                signed: field.signed,
                field: None,
            });
        }
        self.flush(&mut run, place, end, &mut computed);
        let folded = match computed {
            Some(sum) => Folded::Computed(self.b.add_imm(sum, i64::from(bytes))),
            None => Folded::Bytes(bytes),
        };
        (folded, bits)
    }

    /// Adds a finished run of kernel members to the computed offset.
    fn flush(
        &mut self,
        run: &mut FieldPath,
        place: &Place,
        end: usize,
        computed: &mut Option<Value>,
    ) {
        let taken = std::mem::take(run);
        // The type after `end` steps is the record or array that the next step goes into.
        let ty =
            if end == place.steps.len() { place.ty } else { taken.last_ty.unwrap_or(place.ty) };
        let Some(field) = taken.field(self.unit.types(), ty) else { return };
        let id = self.unit.field(field);
        let offset = self.b.field_info(id, FieldInfo::Offset);
        *computed = Some(match *computed {
            Some(sum) => self.b.binary(BinOp::Add, sum, offset),
            None => offset,
        });
    }

    fn index_value(&mut self, index: &Expr, len: Option<u32>) -> Value {
        let n = self.expr(index);
        let n = self.number(&n);
        if let Some(len) = len {
            let limit = self.int(i64::from(len));
            self.fault_if(Cond::UGe, n, limit, Fault::BadIndex, n, index.span);
        }
        n
    }

    /// Stores a number into a member or element whose address is known.
    pub(crate) fn store_part(&mut self, base: Value, place: &Place, value: &Operand) {
        let (offset, bits) = self.fold(place);
        let at = self.add_folded(base, offset);
        self.store_bits(at, bits, place, value);
    }

    /// Stores into what `alloca()` gave.
    pub(crate) fn store_in_scratch(&mut self, base: &Expr, place: &Place, value: &Operand) {
        let base = self.address(base);
        let (offset, bits) = self.fold(place);
        let address = self.add_folded(base, offset);
        let size = bits.map_or_else(|| self.unit.size(place.ty), |b| b.unit);
        let at = self.scratch_access(address, size, place.span);
        self.store_bits(at, bits, place, value);
    }

    fn store_bits(&mut self, at: Value, bits: Option<BitField>, place: &Place, value: &Operand) {
        let Some(bits) = bits else {
            return self.store_value(at, 0, place.ty, value, place.span);
        };
        let width = Width::of(bits.unit).unwrap_or(Width::W64);
        let mask = if bits.bits == 64 { u64::MAX } else { (1 << bits.bits) - 1 };
        let old = self.b.load(width, false, at, 0);
        let kept = self.b.binary_imm(BinOp::And, old, !(mask << bits.shift) as i64);
        let new = self.number(value);
        let new = self.b.binary_imm(BinOp::And, new, mask as i64);
        let new = self.b.binary_imm(BinOp::Shl, new, i64::from(bits.shift));
        let word = self.b.binary(BinOp::Or, kept, new);
        self.b.store(width, at, 0, word);
    }

    /// Narrows a number to a scalar type and extends it again.
    pub(crate) fn convert(&mut self, v: Value, ty: TypeId) -> Value {
        let signed = self.unit.types().is_signed(ty);
        let op = match (self.unit.types().size(ty), signed) {
            (Some(1), true) => UnOp::Sext8,
            (Some(1), false) => UnOp::Zext8,
            (Some(2), true) => UnOp::Sext16,
            (Some(2), false) => UnOp::Zext16,
            (Some(4), true) => UnOp::Sext32,
            (Some(4), false) => UnOp::Zext32,
            _ => return v,
        };
        self.b.unary(op, v)
    }
}

/// Offset in bytes of a member of a script's own record, and its bits.
fn script_member(types: &crate::types::Types, member: &Member) -> (u32, Option<BitField>) {
    let Some(bits) = member.bits else { return (member.bit_offset / 8, None) };
    // The smallest that holds it: that is how such a record is laid out.
    let unit = u32::from(bits).div_ceil(8).next_power_of_two();
    let start = member.bit_offset / (unit * 8) * unit;
    let field = BitField {
        shift: member.bit_offset - start * 8,
        bits: bits.into(),
        unit,
        signed: types.is_signed(member.ty),
        field: None,
    };
    (start, Some(field))
}

/// A run of constant steps from a record that came from BTF.
#[derive(Default)]
struct FieldPath {
    root: Option<(Option<String>, u32)>,
    root_name: String,
    path: Vec<u32>,
    name: String,
    offset: u32,
    bits: Option<(u32, u8, TypeId)>,
    last_ty: Option<TypeId>,
}

impl FieldPath {
    /// Adds a member; `None` if its record isn't BTF's.
    fn member(&mut self, types: &crate::types::Types, record: RecordId, index: u32) -> Option<()> {
        let r = types.record(record);
        let btf = r.btf.clone()?;
        let member = r.members.get(index as usize)?;
        if self.root.is_none() {
            self.root = Some(btf);
            self.root_name = r.tag.clone().unwrap_or_default();
        }
        self.path.push(index);
        if !member.name.is_empty() {
            self.name.push('.');
            self.name.push_str(&member.name);
        }
        match member.bits {
            Some(bits) => self.bits = Some((self.offset * 8 + member.bit_offset, bits, member.ty)),
            None => self.offset += member.bit_offset / 8,
        }
        self.last_ty = Some(member.ty);
        Some(())
    }

    /// Adds an array index; `None` if no record came before it.
    fn index(&mut self, n: u32, stride: u32) -> Option<()> {
        self.root.as_ref()?;
        self.path.push(n);
        self.name.push_str(&format!("[{n}]"));
        self.offset += n.checked_mul(stride)?;
        Some(())
    }

    /// The whole as a field of this type; `None` if it is empty.
    fn field(&self, types: &crate::types::Types, ty: TypeId) -> Option<Field> {
        let (module, root) = self.root.clone()?;
        let (offset, size, bits, signed) = match self.bits {
            Some((bit, bits, ty)) => {
                // The smallest aligned unit of the declared type or wider that holds it.
                let mut unit = types.size(ty).unwrap_or(8);
                while unit < 8 && bit / (unit * 8) != (bit + u32::from(bits) - 1) / (unit * 8) {
                    unit *= 2;
                }
                let start = bit / (unit * 8) * unit;
                let within = Bits { offset: (bit - start * 8) as u8, size: bits };
                (start, unit, Some(within), types.is_signed(ty))
            }
            None => (self.offset, types.size(ty).unwrap_or(0), None, types.is_signed(ty)),
        };
        Some(Field {
            module,
            root,
            path: self.path.clone(),
            name: format!("{}{}", self.root_name, self.name),
            offset,
            size,
            signed,
            bits,
        })
    }
}

/// The first members of `names` that lie in one record: the field, what it points to if
/// it is a pointer, and how many names that took.
fn name_path(btf: &Btf, root: u32, names: &[&str]) -> Option<(Field, u32, usize)> {
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
    for (i, name) in names.iter().enumerate() {
        let (index, member) =
            btf.members(record).into_iter().enumerate().find(|(_, m)| m.name == *name)?;
        field.path.push(index as u32);
        field.name = format!("{}.{name}", field.name);
        field.offset += member.bit_offset / 8;
        let ty = btf.resolve(member.ty);
        match btf.ty(ty) {
            BtfType::Record { .. } => record = ty,
            BtfType::Pointer(to) => {
                field.size = 8;
                return Some((field, btf.resolve(to), i + 1));
            }
            BtfType::Int { size, signed, .. } | BtfType::Enum { size, signed, .. } => {
                (field.size, field.signed) = (size, signed);
                return Some((field, ty, i + 1));
            }
            _ => return None,
        }
    }
    None
}
