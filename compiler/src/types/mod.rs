//! D's types: C's, those of the kernel's BTF, and D's own.
//!
//! In: declarations and BTF ids. Out: interned [`TypeId`]s with sizes, members and
//! names. Kernel records are taken over member by member only when they are looked
//! into. Decides D's promotion and compatibility rules; knows nothing of values.

mod rules;
mod text;

use crate::manifest::SymbolKind;
use rustc_hash::FxHashMap;

/// An interned type: equal ids are the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// A struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordId(pub u32);

/// An enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnumId(pub u32);

/// Whose memory a pointer points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// The kernel's: read with bpf_probe_read_kernel unless it can be loaded.
    Kernel,
    /// That of the current process.
    User,
    /// The clause's own: what `alloca()` and `copyin()` give. It can be written, and every
    /// access is checked against what was allocated.
    Scratch,
}

/// A type. Qualifiers are dropped when a type is interned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `void`
    Void,
    /// Any integer, `char` and `_Bool` among them.
    Integer {
        /// As C spells it.
        name: String,
        /// 1, 2, 4, 8 (or 16 for kernel types that only exist in memory).
        bytes: u8,
        /// Signed.
        signed: bool,
    },
    /// `float`, `double`: only in memory.
    Float {
        /// As C spells it.
        name: String,
        /// Bytes.
        bytes: u8,
    },
    /// D's `string`: text by value, up to `strsize` bytes with its NUL.
    String,
    /// A pointer.
    Pointer {
        /// To this.
        to: TypeId,
        /// Whose memory it points into.
        space: Space,
    },
    /// An array as C has it.
    Array {
        /// Of these.
        element: TypeId,
        /// So many; 0 for `[]`.
        len: u32,
    },
    /// Struct or union.
    Record(RecordId),
    /// An enum.
    Enum(EnumId),
    /// Another name for a type.
    Typedef {
        /// The name.
        name: String,
        /// For this.
        to: TypeId,
    },
    /// A function; only pointers to it are values.
    Function {
        /// Result.
        ret: TypeId,
        /// Parameters.
        params: Vec<TypeId>,
        /// `…`
        variadic: bool,
    },
    /// `stack(n)` as a value: so many frames.
    Stack(u32),
    /// `ustack(n)` as a value.
    UserStack(u32),
    /// `sym(a)`, `func(a)`, `mod(a)` as values.
    Symbol(SymbolKind),
    /// `usym(a)`, `ufunc(a)`, `umod(a)`, `uaddr(a)` as values.
    UserSymbol(SymbolKind),
}

/// A struct or union with its members.
#[derive(Clone, Debug)]
pub struct Record {
    /// `None`: anonymous.
    pub tag: Option<String>,
    /// Union?
    pub is_union: bool,
    /// Bytes; 0 while incomplete.
    pub size: u32,
    /// Alignment.
    pub align: u32,
    /// Defined, not only named.
    pub complete: bool,
    /// Where it came from, for CO-RE: module (`None`: vmlinux) and BTF id. `None`: the script.
    pub btf: Option<(Option<String>, u32)>,
    /// In order, with the index they have in BTF.
    pub members: Vec<Member>,
}

/// A member.
#[derive(Clone, Debug)]
pub struct Member {
    /// Empty: an anonymous struct or union.
    pub name: String,
    /// Its type.
    pub ty: TypeId,
    /// From the start of the record, in bits.
    pub bit_offset: u32,
    /// Width, if it is a bit-field.
    pub bits: Option<u8>,
}

/// An enum with its constants.
#[derive(Clone, Debug)]
pub struct Enum {
    /// `None`: anonymous.
    pub tag: Option<String>,
    /// Bytes.
    pub bytes: u8,
    /// Signed.
    pub signed: bool,
    /// Where it came from.
    pub btf: Option<(Option<String>, u32)>,
    /// In order.
    pub items: Vec<(String, i64)>,
}

/// The table of all types of a program.
#[derive(Debug)]
pub struct Types {
    types: Vec<Type>,
    index: FxHashMap<Type, TypeId>,
    records: Vec<Record>,
    enums: Vec<Enum>,
    strsize: u32,
}

impl Types {
    /// An empty table; strings are `strsize` bytes with their NUL.
    pub fn new(strsize: u32) -> Self {
        Types {
            types: Vec::new(),
            index: FxHashMap::default(),
            records: Vec::new(),
            enums: Vec::new(),
            strsize,
        }
    }

    /// The id of a type.
    pub fn intern(&mut self, ty: Type) -> TypeId {
        if let Some(id) = self.index.get(&ty) {
            return *id;
        }
        let id = TypeId(self.types.len() as u32);
        self.types.push(ty.clone());
        self.index.insert(ty, id);
        id
    }

    /// A new record.
    pub fn add_record(&mut self, record: Record) -> RecordId {
        self.records.push(record);
        RecordId(self.records.len() as u32 - 1)
    }

    /// A new enum.
    pub fn add_enum(&mut self, e: Enum) -> EnumId {
        self.enums.push(e);
        EnumId(self.enums.len() as u32 - 1)
    }

    /// The type of this id.
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// The type behind typedefs.
    pub fn resolve(&self, mut id: TypeId) -> TypeId {
        while let Type::Typedef { to, .. } = self.get(id) {
            id = *to;
        }
        id
    }

    /// [`Types::get`] of [`Types::resolve`].
    pub fn resolved(&self, id: TypeId) -> &Type {
        self.get(self.resolve(id))
    }

    /// A record.
    pub fn record(&self, id: RecordId) -> &Record {
        &self.records[id.0 as usize]
    }

    /// A record, to complete it.
    pub fn record_mut(&mut self, id: RecordId) -> &mut Record {
        &mut self.records[id.0 as usize]
    }

    /// An enum.
    pub fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0 as usize]
    }

    /// An enum, to complete it.
    pub fn enumeration_mut(&mut self, id: EnumId) -> &mut Enum {
        &mut self.enums[id.0 as usize]
    }

    /// Bytes of a string.
    pub fn strsize(&self) -> u32 {
        self.strsize
    }

    /// Size in bytes of a value of the type as it is stored in variables, keys and
    /// records; `None` for void, functions and incomplete types.
    pub fn size(&self, id: TypeId) -> Option<u32> {
        match self.resolved(id) {
            Type::Integer { bytes, .. } | Type::Float { bytes, .. } => Some(u32::from(*bytes)),
            Type::String => Some(self.strsize),
            Type::Pointer { .. } => Some(8),
            Type::Array { element, len } => self.size(*element)?.checked_mul(*len),
            Type::Record(r) => self.record(*r).complete.then(|| self.record(*r).size),
            Type::Enum(e) => Some(u32::from(self.enumeration(*e).bytes)),
            Type::Stack(frames) => Some(8 * frames),
            Type::UserStack(frames) => Some(8 + 8 * frames),
            Type::Symbol(_) => Some(8),
            Type::UserSymbol(_) => Some(16),
            Type::Void | Type::Function { .. } | Type::Typedef { .. } => None,
        }
    }

    /// Alignment in bytes.
    pub fn align(&self, id: TypeId) -> u32 {
        match self.resolved(id) {
            Type::Integer { bytes, .. } | Type::Float { bytes, .. } => u32::from(*bytes).min(8),
            Type::String => 1,
            Type::Array { element, .. } => self.align(*element),
            Type::Record(r) => self.record(*r).align.clamp(1, 8),
            Type::Enum(e) => u32::from(self.enumeration(*e).bytes),
            _ => 8,
        }
    }

    /// Whether values extend their sign: signed integers and enums.
    pub fn is_signed(&self, id: TypeId) -> bool {
        match self.resolved(id) {
            Type::Integer { signed, .. } => *signed,
            Type::Enum(e) => self.enumeration(*e).signed,
            _ => false,
        }
    }

    /// Whether a value fits a register: integer, enum or pointer.
    pub fn is_scalar(&self, id: TypeId) -> bool {
        match self.resolved(id) {
            Type::Integer { bytes, .. } => *bytes <= 8,
            Type::Enum(_) | Type::Pointer { .. } => true,
            _ => false,
        }
    }
}
