//! Variables: globals in `.bss`, thread-locals in task storage, clause-locals in the
//! firing's own memory, associative arrays in hash maps.
//!
//! In: variable ids, keys, values. Out: addresses, loads and stores. An element that is
//! not there reads as 0; a store that finds no room is counted as a dynamic variable
//! drop and the clause goes on.

use super::context::{Context, Operand, Text};
use super::layout::{KeyLayout, Prefix};
use super::unit::{Elements, Storage};
use crate::ir::{BlockId, Cond, Helper, MapId, Type, Value, Width};
use crate::manifest::{self, Drops};
use crate::typed::{Expr, PlaceBase, Target, VariableId};
use crate::types::{Type as DType, TypeId};
use strand_grammar::source::Span;

const BPF_LOCAL_STORAGE_GET_F_CREATE: i64 = 1;

impl Context<'_, '_> {
    fn ty_of(&self, id: VariableId) -> TypeId {
        self.unit.program.variables[id.0 as usize].ty
    }

    fn storage(&self, id: VariableId) -> Storage {
        self.unit.storage[id.0 as usize].clone()
    }

    /// The address of a variable, and the block for "this thread has none" if there may
    /// be none. `None`: the variable has no single address.
    pub(crate) fn variable_address(
        &mut self,
        id: VariableId,
        create: bool,
    ) -> Option<(Value, Option<BlockId>)> {
        match self.storage(id) {
            Storage::Bss(offset) => Some((self.b.bss(offset), None)),
            Storage::Clause(offset) => {
                let base = self.env.locals?;
                Some((self.b.add_imm(base, i64::from(offset)), None))
            }
            Storage::Thread(offset) => {
                let (base, missing) = self.thread_storage(create);
                if create {
                    self.drop_and_end(missing, Drops::Dynamic);
                    return Some((self.b.add_imm(base, i64::from(offset)), None));
                }
                Some((self.b.add_imm(base, i64::from(offset)), Some(missing)))
            }
            Storage::Elements(_) => None,
        }
    }

    /// The current thread's storage; what follows only runs if there is one, and the
    /// block given is for when there is none.
    fn thread_storage(&mut self, create: bool) -> (Value, BlockId) {
        let map = self.unit.threads();
        let map = self.b.map(map);
        let task = self.helper(Helper::GET_CURRENT_TASK_BTF, &[]);
        let none = self.int(0);
        let flags = self.int(if create { BPF_LOCAL_STORAGE_GET_F_CREATE } else { 0 });
        let p = self.helper(Helper::TASK_STORAGE_GET, &[map, task, none, flags]);
        let missing = self.b.block(&[]);
        let zero = self.int(0);
        self.go_on_if(Cond::Ne, p, zero, missing);
        (p, missing)
    }

    /// In `missing`: counts a drop and ends the clause.
    fn drop_and_end(&mut self, missing: BlockId, what: Drops) {
        let here = self.b.current();
        self.b.switch_to(missing);
        self.count_drop(what);
        self.end_clause();
        self.b.switch_to(here);
    }

    /// The value of a variable.
    pub fn variable(&mut self, id: VariableId) -> Operand {
        let ty = self.ty_of(id);
        match self.variable_address(id, false) {
            Some((at, missing)) => {
                let value = self.load_value(at, ty);
                match missing {
                    Some(missing) => self.or_zero(value, missing, ty),
                    None => value,
                }
            }
            None => self.zero_value(ty),
        }
    }

    fn load_value(&mut self, at: Value, ty: TypeId) -> Operand {
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

    /// Stores a value of this type at an address.
    pub(crate) fn store_value(
        &mut self,
        at: Value,
        offset: u32,
        ty: TypeId,
        value: &Operand,
        span: Span,
    ) {
        let size = self.unit.size(ty);
        match value {
            Operand::Text(text) if matches!(self.unit.types().resolved(ty), DType::String) => {
                self.store_text(at, offset, size, text, span);
            }
            Operand::Bytes(from, n) => self.copy_bytes(at, offset, *from, size.min(*n)),
            value => {
                let v = if size == 8 { self.raw(value) } else { self.number(value) };
                let width = Width::of(size).unwrap_or(Width::W64);
                self.b.store(width, at, offset as i32, v);
            }
        }
    }

    /// Copies memory that the program may dereference.
    pub(crate) fn copy_bytes(&mut self, at: Value, offset: u32, from: Value, size: u32) {
        let to = self.b.add_imm(at, i64::from(offset));
        let n = self.int(i64::from(size));
        self.helper(Helper::PROBE_READ_KERNEL, &[to, n, from]);
    }

    // ------------------------------------------------------------ elements

    /// A filled-in key.
    pub(crate) fn key(
        &mut self,
        map: u32,
        layout: &KeyLayout,
        keys: &[Operand],
        span: Span,
    ) -> Value {
        self.key_without(map, layout, keys, None, span)
    }

    /// The same, but for one of its parts, which is left as it is.
    pub(crate) fn key_without(
        &mut self,
        map: u32,
        layout: &KeyLayout,
        keys: &[Operand],
        without: Option<usize>,
        span: Span,
    ) -> Value {
        let number = match layout.prefix {
            Prefix::None => None,
            Prefix::Thread => Some(self.thread_number()),
            Prefix::Aggregation(n) => Some(self.int(i64::from(n))),
        };
        let at = self.key_memory(map, layout.layout.size);
        for (offset, size) in &layout.gaps {
            self.clear(at, *offset, *size);
        }
        if let Some(number) = number {
            self.b.store(Width::W64, at, 0, number);
        }
        for (i, (datum, key)) in layout.data.iter().zip(keys).enumerate() {
            if Some(i) != without {
                self.store_datum(at, datum, key, true, span);
            }
        }
        at
    }

    /// The thread's number, which no later thread ever gets.
    fn thread_number(&mut self) -> Value {
        let (base, missing) = self.thread_storage(true);
        self.drop_and_end(missing, Drops::Dynamic);
        let known = self.b.load(Width::W64, false, base, 0);
        let (fresh, done) = (self.b.block(&[]), self.b.block(&[Type::I64]));
        let zero = self.int(0);
        let target = |block, args: &[Value]| crate::ir::Target { block, args: args.to_vec() };
        self.b.branch_with(Cond::Ne, known, zero, target(done, &[known]), target(fresh, &[]));
        self.b.switch_to(fresh);
        let counter = self.b.bss(manifest::THREAD_COUNT_OFFSET);
        let one = self.int(1);
        let before = self.b.atomic_fetch_add(Width::W64, counter, 0, one);
        let number = self.b.binary_imm(crate::ir::BinOp::Add, before, 1);
        self.b.store(Width::W64, base, 0, number);
        self.b.jump(done, &[number]);
        self.b.switch_to(done);
        self.b.block_param(done, 0)
    }

    fn elements_of(&self, id: VariableId) -> Elements {
        match self.storage(id) {
            Storage::Elements(elements) => elements,
            _ => unreachable!("elements are of associative arrays"),
        }
    }

    fn keys(&mut self, keys: &[Expr]) -> Vec<Operand> {
        keys.iter().map(|k| self.expr(k)).collect()
    }

    /// Calls `each` for the map of an array in which the element with these keys is, with its key
    /// there. It gives the element, and the block for when there is none, which is empty; so does
    /// this.
    fn find_element(
        &mut self,
        id: VariableId,
        keys: &[Expr],
        mut each: impl FnMut(&mut Self, MapId, Value) -> (Value, BlockId),
    ) -> (Value, BlockId) {
        let elements = self.elements_of(id);
        let span = keys.first().map_or_else(Span::default, |k| k.span);
        let operands = self.keys(keys);
        let mut missing = Vec::new();
        let found = self.with_map(&elements, &operands, span, |cx, map, key| {
            let (found, none) = each(cx, map, key);
            missing.push(none);
            Some(found)
        });
        let (Some(found), [first, rest @ ..]) = (found, &missing[..]) else {
            unreachable!("each element is in some map")
        };
        let here = self.b.current();
        for other in rest {
            self.b.switch_to(*other);
            self.b.jump(*first, &[]);
        }
        self.b.switch_to(here);
        (found, *first)
    }

    /// The address of an element; what follows only runs if it is there.
    pub(crate) fn element_address(&mut self, id: VariableId, keys: &[Expr]) -> (Value, BlockId) {
        self.find_element(id, keys, |cx, map, key| cx.lookup(map, key))
    }

    /// An element's value.
    pub fn element(&mut self, id: VariableId, keys: &[Expr]) -> Operand {
        let ty = self.ty_of(id);
        let (at, missing) = self.element_address(id, keys);
        let value = self.load_value(at, ty);
        // Text in the map may change under us, but never stops being text; a number is
        // loaded already.
        self.or_zero(value, missing, ty)
    }

    /// The address of an element, made with zeros if it wasn't there.
    pub(crate) fn element_for_writing(&mut self, id: VariableId, keys: &[Expr]) -> Value {
        let size = self.unit.size(self.ty_of(id));
        let (element, full) =
            self.find_element(id, keys, |cx, map, key| cx.find_or_make(map, key, size));
        let found = self.b.block(&[Type::Ptr]);
        self.b.jump(found, &[element]);
        // What is stored is lost, and counted; the clause goes on.
        self.b.switch_to(full);
        self.count_drop(Drops::Dynamic);
        let nowhere = self.memory(size);
        self.clear(nowhere, 0, size);
        self.b.jump(found, &[nowhere]);
        self.b.switch_to(found);
        self.b.block_param(found, 0)
    }

    /// Looks a key up and inserts zeros if it is missing. If there is no room either, it
    /// goes to the block given.
    pub(crate) fn find_or_make(&mut self, map: MapId, key: Value, size: u32) -> (Value, BlockId) {
        const BPF_NOEXIST: i64 = 1;
        let done = self.b.block(&[Type::Ptr]);
        let (found, missing) = self.lookup(map, key);
        self.b.jump(done, &[found]);
        self.b.switch_to(missing);
        let zeros = self.unit.zeros(size);
        let zeros = self.b.rodata(zeros);
        let m = self.b.map(map);
        let flags = self.int(BPF_NOEXIST);
        // Another CPU may be first: then this fails and the look-up finds theirs.
        self.helper(Helper::MAP_UPDATE_ELEM, &[m, key, zeros, flags]);
        let (made, full) = self.lookup(map, key);
        self.b.jump(done, &[made]);
        self.b.switch_to(done);
        (self.b.block_param(done, 0), full)
    }

    // ---------------------------------------------------------- assignment

    /// `target = value`; frees elements if `deletes`.
    pub(crate) fn assign(&mut self, target: &Target, value: &Operand, deletes: bool, span: Span) {
        match target {
            Target::Variable(id) => {
                let ty = self.ty_of(*id);
                if deletes {
                    return self.reset(*id, ty);
                }
                if let Some((at, _)) = self.variable_address(*id, true) {
                    self.store_value(at, 0, ty, value, span);
                }
            }
            Target::Element(id, keys) if deletes => self.delete(*id, keys, span),
            Target::Element(id, keys) => self.assign_element(*id, keys, value, span),
            Target::Part(place) => {
                if let PlaceBase::Memory { address, .. } = &place.base {
                    return self.store_in_scratch(address, place, value);
                }
                if let Operand::Bytes(at, _) = self.address_of_base(place) {
                    self.store_part(at, place, value);
                }
            }
        }
    }

    /// The address of the variable or element that a place is in.
    pub(crate) fn address_of_base(&mut self, place: &crate::typed::Place) -> Operand {
        let base = crate::typed::Place { steps: Vec::new(), ty: place.base_ty, ..place.clone() };
        self.address_of(&base)
    }

    /// Back to 0; a thread that has no storage needs none for that.
    fn reset(&mut self, id: VariableId, ty: TypeId) {
        let size = match self.unit.types().resolved(ty) {
            // That is NULL.
            DType::String => 2,
            _ => self.unit.size(ty),
        };
        let Some((at, missing)) = self.variable_address(id, false) else { return };
        self.clear(at, 0, size);
        if let Some(missing) = missing {
            let done = self.b.block(&[]);
            self.b.jump(done, &[]);
            self.b.switch_to(missing);
            self.b.jump(done, &[]);
            self.b.switch_to(done);
        }
    }

    fn delete(&mut self, id: VariableId, keys: &[Expr], span: Span) {
        let elements = self.elements_of(id);
        let operands = self.keys(keys);
        self.with_map(&elements, &operands, span, |cx, map, key| {
            let map = cx.b.map(map);
            cx.helper(Helper::MAP_DELETE_ELEM, &[map, key]);
            None
        });
    }

    fn assign_element(&mut self, id: VariableId, keys: &[Expr], value: &Operand, span: Span) {
        let elements = self.elements_of(id);
        let ty = self.ty_of(id);
        // An element that nobody frees is there as a rule, and to write into it takes far less
        // than to put another in its place.
        if self.unit.types().is_scalar(ty) && !self.unit.freed.contains(&id) {
            let at = self.element_for_writing(id, keys);
            return self.store_value(at, 0, ty, value, span);
        }
        let size = self.unit.size(ty);
        let operands = self.keys(keys);
        // The value first lies in memory of its own: the helper copies it from there.
        let at = self.memory(size);
        if !self.unit.types().is_scalar(ty) {
            self.clear(at, 0, size);
        }
        self.store_value(at, 0, ty, value, span);
        let result = self.with_map(&elements, &operands, span, |cx, map, key| {
            let (map, flags) = (cx.b.map(map), cx.int(0));
            Some(cx.helper(Helper::MAP_UPDATE_ELEM, &[map, key, at, flags]))
        });
        let Some(result) = result else { return };
        // Older kernels leave the upper half of what this helper returns undefined, so that
        // an error need not look negative.
        let (full, done) = (self.b.block(&[]), self.b.block(&[]));
        self.b.branch_imm(Cond::Ne, result, 0, full, done);
        self.b.switch_to(full);
        self.count_drop(Drops::Dynamic);
        self.b.jump(done, &[]);
        self.b.switch_to(done);
    }
}
