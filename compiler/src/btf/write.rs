//! Builds BTF: types and strings in, the bytes of a `.BTF` section out.
//!
//! Equal types get one id and equal strings one place, so that callers describe what
//! they need without keeping track of what there is already. Recursive types are
//! [reserved](BtfBuilder::reserve) first and [defined](BtfBuilder::define) later.
//! Decides nothing about what is described.
//!
//! aya-obj can write BTF too, but its constructors for structs, unions, arrays and
//! forward declarations are private to it, and those are most of what we write. It
//! reads our BTF back in tests instead.

use super::{Btf, BtfKind};
use rustc_hash::FxHashMap;

/// A type to be written. Ids are the builder's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewType<'a> {
    /// An integer.
    Int {
        /// `unsigned int` …
        name: &'a str,
        /// Bytes.
        size: u32,
        /// How it is meant.
        encoding: IntEncoding,
    },
    /// `float`, `double`
    Float {
        /// Its name.
        name: &'a str,
        /// Bytes.
        size: u32,
    },
    /// To a type; 0 is void.
    Pointer(u32),
    /// `len` elements.
    Array {
        /// Of this type.
        element: u32,
        /// How many.
        len: u32,
    },
    /// Struct or union.
    Record {
        /// Empty if anonymous.
        name: &'a str,
        /// Union?
        is_union: bool,
        /// Bytes.
        size: u32,
        /// In order of offset.
        members: &'a [NewMember<'a>],
    },
    /// An enum; `BTF_KIND_ENUM64` if it has 8 bytes.
    Enum {
        /// Empty if anonymous.
        name: &'a str,
        /// Bytes.
        size: u32,
        /// Signed.
        signed: bool,
        /// Constants with their values.
        items: &'a [(&'a str, i64)],
    },
    /// Declared, not defined.
    Forward {
        /// Its name.
        name: &'a str,
        /// Union?
        is_union: bool,
    },
    /// Another name.
    Typedef {
        /// The name.
        name: &'a str,
        /// For this type.
        to: u32,
    },
    /// const, volatile, restrict or a type tag.
    Qualifier {
        /// Which.
        kind: BtfKind,
        /// The text of a type tag, else empty.
        name: &'a str,
        /// The type proper.
        to: u32,
    },
    /// A function.
    Function {
        /// Its name.
        name: &'a str,
        /// Its prototype.
        proto: u32,
        /// Who sees it.
        linkage: Linkage,
    },
    /// A prototype.
    FunctionProto {
        /// Result; 0 is void.
        ret: u32,
        /// Names and types.
        params: &'a [(&'a str, u32)],
    },
    /// A variable.
    Var {
        /// Its name.
        name: &'a str,
        /// Its type.
        ty: u32,
        /// Who sees it.
        linkage: Linkage,
    },
    /// An ELF section with its variables.
    DataSection {
        /// The section.
        name: &'a str,
        /// Bytes.
        size: u32,
        /// Variable, offset and size of each.
        vars: &'a [(u32, u32, u32)],
    },
}

/// A member of a record to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewMember<'a> {
    /// Empty: an anonymous record.
    pub name: &'a str,
    /// Its type.
    pub ty: u32,
    /// From the start of the record, in bits.
    pub bit_offset: u32,
    /// Width if it is a bit-field, else 0.
    pub bits: u8,
}

/// How an integer is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after what they are")]
pub enum IntEncoding {
    Unsigned = 0,
    Signed = 1,
    Char = 2,
    Bool = 4,
}

/// Who sees a function or variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after C's linkages")]
pub enum Linkage {
    Static = 0,
    Global = 1,
    Extern = 2,
}

/// BTF in the making.
#[derive(Debug, Default)]
pub struct BtfBuilder {
    strings: Vec<u8>,
    string_index: FxHashMap<Box<str>, u32>,
    types: Vec<Vec<u8>>,
    known: FxHashMap<Vec<u8>, u32>,
    first: u32,
    first_string: u32,
}

impl BtfBuilder {
    /// Nothing yet; the first type will be 1.
    pub fn new() -> Self {
        BtfBuilder { strings: vec![0], first: 1, ..Self::default() }
    }

    /// Split BTF on top of `base`, as modules have it: ids go on where the base ends.
    pub fn on(base: &Btf) -> Self {
        let first_string = base.string_end();
        BtfBuilder { first: base.end(), first_string, ..Self::default() }
    }

    /// The place of a string; for `.BTF.ext` too.
    pub fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        if let Some(at) = self.string_index.get(text) {
            return *at;
        }
        let at = self.first_string + self.strings.len() as u32;
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        self.string_index.insert(text.into(), at);
        at
    }

    /// The id of a type, which is written if there is none like it.
    pub fn add(&mut self, ty: NewType) -> u32 {
        let bytes = self.encode(&ty);
        if let Some(id) = self.known.get(&bytes) {
            return *id;
        }
        let id = self.first + self.types.len() as u32;
        self.types.push(bytes.clone());
        self.known.insert(bytes, id);
        id
    }

    /// An id for a type that is [defined](Self::define) later.
    pub fn reserve(&mut self) -> u32 {
        self.types.push(Vec::new());
        self.first + self.types.len() as u32 - 1
    }

    /// What a reserved id stands for.
    pub fn define(&mut self, id: u32, ty: NewType) {
        let bytes = self.encode(&ty);
        self.types[(id - self.first) as usize] = bytes;
    }

    /// `int`
    pub fn int(&mut self) -> u32 {
        self.add(NewType::Int { name: "int", size: 4, encoding: IntEncoding::Signed })
    }

    /// `unsigned int`
    pub fn unsigned_int(&mut self) -> u32 {
        self.add(NewType::Int { name: "unsigned int", size: 4, encoding: IntEncoding::Unsigned })
    }

    /// The whole section. Panics if a reserved type was never defined.
    pub fn finish(&self) -> Vec<u8> {
        assert!(self.types.iter().all(|t| !t.is_empty()), "a reserved type was not defined");
        let type_len: usize = self.types.iter().map(Vec::len).sum();
        let mut out = Vec::with_capacity(24 + type_len + self.strings.len());
        out.extend_from_slice(&0xeb9f_u16.to_le_bytes());
        out.extend_from_slice(&[1, 0]);
        for word in [24, 0, type_len as u32, type_len as u32, self.strings.len() as u32] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        self.types.iter().for_each(|t| out.extend_from_slice(t));
        out.extend_from_slice(&self.strings);
        out
    }

    fn encode(&mut self, ty: &NewType) -> Vec<u8> {
        let mut words = Vec::new();
        // Name, kind, length, flag and the word that is a size or a type.
        let head = |name: u32, kind: BtfKind, len: usize, flag: bool, last: u32| {
            let info = (kind as u32) << 24 | len as u32 & 0xffff | u32::from(flag) << 31;
            [name, info, last]
        };
        match *ty {
            NewType::Int { name, size, encoding } => {
                words.extend(head(self.string(name), BtfKind::Int, 0, false, size));
                words.push((encoding as u32) << 24 | (size * 8).min(0xff));
            }
            NewType::Float { name, size } => {
                words.extend(head(self.string(name), BtfKind::Float, 0, false, size));
            }
            NewType::Pointer(to) => words.extend(head(0, BtfKind::Pointer, 0, false, to)),
            NewType::Array { element, len } => {
                let index = self.unsigned_int();
                words.extend(head(0, BtfKind::Array, 0, false, 0));
                words.extend([element, index, len]);
            }
            NewType::Record { name, is_union, size, members } => {
                let kind = if is_union { BtfKind::Union } else { BtfKind::Struct };
                // With the flag, an offset's top byte is the width of a bit-field.
                let flag = members.iter().any(|m| m.bits > 0);
                words.extend(head(self.string(name), kind, members.len(), flag, size));
                for m in members {
                    words.extend([self.string(m.name), m.ty]);
                    words.push(m.bit_offset | u32::from(m.bits) << 24);
                }
            }
            NewType::Enum { name, size, signed, items } => {
                let kind = if size == 8 { BtfKind::Enum64 } else { BtfKind::Enum };
                words.extend(head(self.string(name), kind, items.len(), signed, size));
                for (name, value) in items {
                    words.extend([self.string(name), *value as u32]);
                    if size == 8 {
                        words.push((*value >> 32) as u32);
                    }
                }
            }
            NewType::Forward { name, is_union } => {
                words.extend(head(self.string(name), BtfKind::Forward, 0, is_union, 0));
            }
            NewType::Typedef { name, to } => {
                words.extend(head(self.string(name), BtfKind::Typedef, 0, false, to));
            }
            NewType::Qualifier { kind, name, to } => {
                words.extend(head(self.string(name), kind, 0, false, to));
            }
            NewType::Function { name, proto, linkage } => {
                let linkage = linkage as usize;
                words.extend(head(self.string(name), BtfKind::Function, linkage, false, proto));
            }
            NewType::FunctionProto { ret, params } => {
                words.extend(head(0, BtfKind::FunctionProto, params.len(), false, ret));
                for (name, ty) in params {
                    words.extend([self.string(name), *ty]);
                }
            }
            NewType::Var { name, ty, linkage } => {
                words.extend(head(self.string(name), BtfKind::Var, 0, false, ty));
                words.push(linkage as u32);
            }
            NewType::DataSection { name, size, vars } => {
                words.extend(head(
                    self.string(name),
                    BtfKind::DataSection,
                    vars.len(),
                    false,
                    size,
                ));
                words.extend(vars.iter().flat_map(|(var, offset, size)| [*var, *offset, *size]));
            }
        }
        words.iter().flat_map(|w: &u32| w.to_le_bytes()).collect()
    }
}
