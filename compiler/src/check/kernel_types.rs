//! The kernel's types as D's: taken over from BTF when something names them.
//!
//! In: BTF ids and names. Out: [`TypeId`]s. A record comes over as its name and size;
//! its members follow when somebody looks into it ([`KernelTypes::load`]), so that
//! naming `struct task_struct` doesn't import half of the kernel.

use crate::btf::{Btf, BtfKind, BtfType};
use crate::kernel::Kernel;
use crate::types::{Enum, Member, Record, RecordId, Space, Type, TypeId, Types};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// BTF of the kernel (0) or of a module: index into [`KernelTypes`]'s list.
pub(crate) type Owner = usize;

/// Nesting beyond this is damaged BTF.
const MAX_DEPTH: u32 = 64;

/// What was taken over so far.
#[derive(Default)]
pub(crate) struct KernelTypes {
    /// The kernel's own types come first, if it has any; a module that has none is `None`.
    owners: Vec<(Option<String>, Option<Arc<Btf>>)>,
    known: FxHashMap<(Owner, u32), TypeId>,
    loaded: FxHashSet<RecordId>,
    /// Every enumerator of the kernel with the enum it is in; made when first needed.
    enumerators: Option<FxHashMap<String, (i64, Owner, u32)>>,
}

impl KernelTypes {
    /// The types of a module (`None`: of the kernel), if it has any.
    pub fn owner(&mut self, kernel: &dyn Kernel, module: Option<&str>) -> Option<Owner> {
        if self.owners.is_empty() {
            self.owners.push((None, kernel.btf()));
        }
        let module = module.filter(|m| !matches!(*m, "vmlinux" | "genunix"));
        let known = self.owners.iter().position(|(name, _)| name.as_deref() == module);
        let owner = known.unwrap_or_else(|| {
            let btf = module.and_then(|m| kernel.module_btf(m));
            self.owners.push((module.map(str::to_owned), btf));
            self.owners.len() - 1
        });
        self.owners[owner].1.is_some().then_some(owner)
    }

    fn btf(&self, owner: Owner) -> Option<Arc<Btf>> {
        self.owners.get(owner)?.1.clone()
    }

    /// A type of this name and kind, in one module or, without one, in the kernel.
    pub fn find(
        &mut self,
        kernel: &dyn Kernel,
        types: &mut Types,
        module: Option<&str>,
        name: &str,
        wanted: impl Fn(BtfKind) -> bool + Copy,
    ) -> Option<TypeId> {
        let owner = self.owner(kernel, module)?;
        let id = self.btf(owner)?.find(name, wanted)?;
        Some(self.import(types, owner, id))
    }

    /// Likewise in any module that is loaded: for what the kernel itself doesn't have.
    pub fn find_in_modules(
        &mut self,
        kernel: &dyn Kernel,
        types: &mut Types,
        name: &str,
        wanted: impl Fn(BtfKind) -> bool + Copy,
    ) -> Option<TypeId> {
        kernel
            .btf_modules()
            .iter()
            .find_map(|module| self.find(kernel, types, Some(module), name, wanted))
    }

    /// The type with this id.
    pub fn import(&mut self, types: &mut Types, owner: Owner, id: u32) -> TypeId {
        self.import_at(types, owner, id, 0)
    }

    fn import_at(&mut self, types: &mut Types, owner: Owner, id: u32, depth: u32) -> TypeId {
        let Some(btf) = self.btf(owner).filter(|_| depth < MAX_DEPTH) else {
            return types.intern(Type::Void);
        };
        // A module's type may be the kernel's own.
        let owner = if id < btf.first() { 0 } else { owner };
        if let Some(ty) = self.known.get(&(owner, id)) {
            return *ty;
        }
        let ty = self.convert(types, &btf, owner, id, depth + 1);
        self.known.insert((owner, id), ty);
        ty
    }

    fn convert(
        &mut self,
        types: &mut Types,
        btf: &Btf,
        owner: Owner,
        id: u32,
        depth: u32,
    ) -> TypeId {
        let ty = match btf.ty(id) {
            BtfType::Void | BtfType::Var { .. } | BtfType::Other => Type::Void,
            BtfType::Int { name, size, signed, boolean, .. } => Type::Integer {
                name: if boolean { "_Bool".to_owned() } else { c_spelling(name) },
                bytes: size.min(16) as u8,
                signed,
            },
            BtfType::Float { name, size } => {
                Type::Float { name: name.to_owned(), bytes: size.min(16) as u8 }
            }
            BtfType::Pointer(to) => {
                let space = if is_user(btf, to) { Space::User } else { Space::Kernel };
                Type::Pointer { to: self.import_at(types, owner, to, depth), space }
            }
            BtfType::Array { element, len } => {
                Type::Array { element: self.import_at(types, owner, element, depth), len }
            }
            BtfType::Record { name, is_union, size } => {
                return self.new_record(types, owner, id, (name, is_union, Some(size)));
            }
            BtfType::Forward { name, is_union } => {
                let kind = if is_union { BtfKind::Union } else { BtfKind::Struct };
                return match btf.find(name, |k| k == kind) {
                    Some(definition) => self.import_at(types, owner, definition, depth),
                    None => self.new_record(types, owner, id, (name, is_union, None)),
                };
            }
            BtfType::Enum { name, size, signed } => {
                let items = btf.enumerators(id).into_iter().map(|(n, v)| (n.to_owned(), v));
                Type::Enum(types.add_enum(Enum {
                    tag: (!name.is_empty()).then(|| name.to_owned()),
                    bytes: size as u8,
                    signed,
                    btf: Some((self.owners[owner].0.clone(), id)),
                    items: items.collect(),
                }))
            }
            BtfType::Typedef { name, to } => {
                Type::Typedef { name: name.to_owned(), to: self.import_at(types, owner, to, depth) }
            }
            BtfType::Qualifier { to, .. } => return self.import_at(types, owner, to, depth),
            BtfType::Function { proto, .. } => return self.import_at(types, owner, proto, depth),
            BtfType::FunctionProto { ret } => {
                let mut params: Vec<(&str, u32)> = btf.params(id);
                let variadic = params.last().is_some_and(|(name, ty)| name.is_empty() && *ty == 0);
                params.truncate(params.len() - usize::from(variadic));
                Type::Function {
                    ret: self.import_at(types, owner, ret, depth),
                    params: params
                        .into_iter()
                        .map(|(_, ty)| self.import_at(types, owner, ty, depth))
                        .collect(),
                    variadic,
                }
            }
        };
        types.intern(ty)
    }

    fn new_record(
        &mut self,
        types: &mut Types,
        owner: Owner,
        id: u32,
        (name, is_union, size): (&str, bool, Option<u32>),
    ) -> TypeId {
        let size_or_0 = size.unwrap_or(0);
        let record = types.add_record(Record {
            tag: (!name.is_empty()).then(|| name.to_owned()),
            is_union,
            size: size_or_0,
            // What its members ask for is only known once it is loaded; never less.
            align: if size_or_0.is_multiple_of(8) { 8 } else { 1 << size_or_0.trailing_zeros() },
            complete: size.is_some(),
            btf: Some((self.owners[owner].0.clone(), id)),
            members: Vec::new(),
        });
        types.intern(Type::Record(record))
    }

    /// Takes a record's members over, if it is the kernel's and that isn't done yet.
    pub fn load(&mut self, kernel: &dyn Kernel, types: &mut Types, record: RecordId) {
        let Some((module, id)) = types.record(record).btf.clone() else { return };
        if !types.record(record).complete || !self.loaded.insert(record) {
            return;
        }
        let Some(owner) = self.owner(kernel, module.as_deref()) else { return };
        let Some(btf) = self.btf(owner) else { return };
        let members: Vec<Member> = btf
            .members(id)
            .into_iter()
            .map(|m| Member {
                name: m.name.to_owned(),
                ty: self.import(types, owner, m.ty),
                bit_offset: m.bit_offset,
                bits: (m.bits > 0).then_some(m.bits),
            })
            .collect();
        types.record_mut(record).members = members;
    }

    /// A record that is only declared where it was found may be defined elsewhere.
    pub fn definition(
        &mut self,
        kernel: &dyn Kernel,
        types: &mut Types,
        record: RecordId,
    ) -> Option<RecordId> {
        let Record { tag: Some(tag), is_union, .. } = types.record(record).clone() else {
            return None;
        };
        let kind = if is_union { BtfKind::Union } else { BtfKind::Struct };
        let found = self
            .find(kernel, types, None, &tag, |k| k == kind)
            .or_else(|| self.find_in_modules(kernel, types, &tag, |k| k == kind))?;
        types.as_record(found)
    }

    /// A constant of any enum of the kernel or its modules, with the enum's type.
    pub fn enumerator(
        &mut self,
        kernel: &dyn Kernel,
        types: &mut Types,
        name: &str,
    ) -> Option<(i64, TypeId)> {
        if self.enumerators.is_none() {
            let mut all = FxHashMap::default();
            let modules = kernel.btf_modules();
            for module in std::iter::once(None).chain(modules.iter().map(|m| Some(m.as_str()))) {
                let Some(owner) = self.owner(kernel, module) else { continue };
                let Some(btf) = self.btf(owner) else { continue };
                for (id, _) in btf.own(|k| matches!(k, BtfKind::Enum | BtfKind::Enum64)) {
                    for (name, value) in btf.enumerators(id) {
                        all.entry(name.to_owned()).or_insert((value, owner, id));
                    }
                }
            }
            self.enumerators = Some(all);
        }
        let (value, owner, id) = *self.enumerators.as_ref()?.get(name)?;
        Some((value, self.import(types, owner, id)))
    }

    /// Names of the kernel's types of these kinds, for suggestions.
    pub fn names(&mut self, kernel: &dyn Kernel, wanted: impl Fn(BtfKind) -> bool) -> Vec<String> {
        let Some(btf) = self.owner(kernel, None).and_then(|o| self.btf(o)) else {
            return Vec::new();
        };
        btf.own(wanted).map(|(_, name)| name.to_owned()).collect()
    }
}

/// Whether what a pointer points to is tagged as user memory.
fn is_user(btf: &Btf, mut id: u32) -> bool {
    while let BtfType::Qualifier { kind, name, to } = btf.ty(id) {
        if kind == BtfKind::TypeTag && name == "user" {
            return true;
        }
        id = to;
    }
    false
}

/// Compilers write `long unsigned int` into BTF where people say `unsigned long`.
fn c_spelling(name: &str) -> String {
    match name {
        "long int" => "long",
        "long unsigned int" => "unsigned long",
        "long long int" => "long long",
        "long long unsigned int" => "unsigned long long",
        "short int" => "short",
        "short unsigned int" => "unsigned short",
        other => other,
    }
    .to_owned()
}
