//! Reads BTF in place.
//!
//! The kernel's BTF has over 120,000 types, and a script needs a few: so the only
//! table made up front is where each type starts. [Finding](Btf::find) names is a file
//! of its own. Damaged BTF is refused or read as something else, but never ends in a
//! panic or an endless loop.

use super::find::Names;
use std::borrow::Cow;
use std::sync::Arc;

/// Why bytes are not BTF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BtfError {
    /// The header is wrong.
    #[error("not BTF: the magic number is {0:#06x}, not 0xeb9f")]
    Magic(u16),
    /// Cut off, or offsets that point outside.
    #[error("BTF is damaged at byte {0}")]
    Damaged(usize),
    /// A kind that this version doesn't know.
    #[error("BTF type {0} is of the unknown kind {1}")]
    UnknownKind(u32, u32),
}

/// The kinds of BTF types, numbered as in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "named after BTF_KIND_*")]
#[repr(u8)]
pub enum BtfKind {
    Void = 0,
    Int,
    Pointer,
    Array,
    Struct,
    Union,
    Enum,
    Forward,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Function,
    FunctionProto,
    Var,
    DataSection,
    Float,
    DeclTag,
    TypeTag,
    Enum64,
}

impl BtfKind {
    fn of(n: u32) -> Option<BtfKind> {
        use BtfKind::*;
        const ALL: [BtfKind; 20] = [
            Void,
            Int,
            Pointer,
            Array,
            Struct,
            Union,
            Enum,
            Forward,
            Typedef,
            Volatile,
            Const,
            Restrict,
            Function,
            FunctionProto,
            Var,
            DataSection,
            Float,
            DeclTag,
            TypeTag,
            Enum64,
        ];
        ALL.get(n as usize).copied()
    }
}

/// A type, decoded. Ids are of the same [`Btf`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BtfType<'a> {
    /// Also the target of `void *`.
    Void,
    /// An integer, bool or char.
    Int {
        /// `unsigned int`, `_Bool` …
        name: &'a str,
        /// Bytes.
        size: u32,
        /// Signed.
        signed: bool,
        /// `_Bool`
        boolean: bool,
        /// Bits, if fewer than the size says.
        bits: u8,
    },
    /// `float`, `double`
    Float {
        /// Its name.
        name: &'a str,
        /// Bytes.
        size: u32,
    },
    /// To the type.
    Pointer(u32),
    /// Array of `len` elements.
    Array {
        /// Of this type.
        element: u32,
        /// How many.
        len: u32,
    },
    /// Struct or union; members by [`Btf::members`].
    Record {
        /// Empty if anonymous.
        name: &'a str,
        /// Union?
        is_union: bool,
        /// Bytes.
        size: u32,
    },
    /// enum or enum64; items by [`Btf::enumerators`].
    Enum {
        /// Empty if anonymous.
        name: &'a str,
        /// Bytes.
        size: u32,
        /// Signed.
        signed: bool,
    },
    /// Declared but not defined.
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
    /// const, volatile, restrict or a type tag: transparent.
    Qualifier {
        /// Which.
        kind: BtfKind,
        /// The tag's text, for type tags (`user`, `rcu`, `percpu`).
        name: &'a str,
        /// The type proper.
        to: u32,
    },
    /// A function; its prototype is the type.
    Function {
        /// Its name.
        name: &'a str,
        /// A [`BtfType::FunctionProto`].
        proto: u32,
    },
    /// Parameters by [`Btf::params`].
    FunctionProto {
        /// Return type.
        ret: u32,
    },
    /// A variable.
    Var {
        /// Its name.
        name: &'a str,
        /// Its type.
        ty: u32,
    },
    /// Sections, declaration tags: nothing that D can name.
    Other,
}

/// A member of a struct or union.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BtfMember<'a> {
    /// Empty if anonymous.
    pub name: &'a str,
    /// Its type.
    pub ty: u32,
    /// From the start of the record, in bits.
    pub bit_offset: u32,
    /// Width in bits if it is a bit-field, else 0.
    pub bits: u8,
}

/// One BTF, perhaps on top of another (a module's on the kernel's).
pub struct Btf {
    pub(super) data: Cow<'static, [u8]>,
    pub(super) strings: std::ops::Range<usize>,
    /// Byte offset in `data` of each own type.
    pub(super) types: Vec<u32>,
    /// Id of the first own type.
    pub(super) first: u32,
    pub(super) base: Option<Arc<Btf>>,
    pub(super) base_strings: u32,
    pub(super) names: Names,
}

/// How many typedefs, qualifiers or arrays a type may be behind: far more than any C
/// has, so that what goes round in circles comes to an end.
const DEPTH: usize = 64;

impl std::fmt::Debug for Btf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Btf({} types from {})", self.types.len(), self.first)
    }
}

impl Btf {
    /// Takes the bytes of a `.BTF` section (owned, or mapped for good); `base` for split
    /// BTF.
    pub fn parse(
        data: impl Into<Cow<'static, [u8]>>,
        base: Option<Arc<Btf>>,
    ) -> Result<Btf, BtfError> {
        let data: Cow<'static, [u8]> = data.into();
        let word = |at: usize| {
            let bytes = data.get(at..at + 4).ok_or(BtfError::Damaged(at))?;
            Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        let magic = (word(0)? & 0xffff) as u16;
        if magic != 0xeb9f {
            return Err(BtfError::Magic(magic));
        }
        let header = word(4)? as usize;
        let (type_off, type_len) = (header + word(8)? as usize, word(12)? as usize);
        let (str_off, str_len) = (header + word(16)? as usize, word(20)? as usize);
        let end = str_off + str_len;
        if end > data.len() || type_off + type_len > data.len() {
            return Err(BtfError::Damaged(data.len()));
        }
        let (first, base_strings) = match &base {
            Some(b) => (b.first + b.types.len() as u32, b.base_strings + b.strings.len() as u32),
            None => (1, 0),
        };
        let mut types = Vec::with_capacity(type_len / 32);
        let mut at = type_off;
        while at < type_off + type_len {
            types.push(at as u32);
            let info = word(at + 4)?;
            let vlen = (info & 0xffff) as usize;
            let raw = info >> 24 & 0x1f;
            let kind = BtfKind::of(raw)
                .ok_or(BtfError::UnknownKind(first + types.len() as u32 - 1, raw))?;
            at += 12
                + match kind {
                    BtfKind::Int | BtfKind::Var | BtfKind::DeclTag => 4,
                    BtfKind::Array => 12,
                    BtfKind::Struct | BtfKind::Union | BtfKind::DataSection | BtfKind::Enum64 => {
                        12 * vlen
                    }
                    BtfKind::Enum | BtfKind::FunctionProto => 8 * vlen,
                    _ => 0,
                };
        }
        if at != type_off + type_len {
            return Err(BtfError::Damaged(at));
        }
        Ok(Btf {
            strings: str_off..end,
            types,
            first,
            base,
            base_strings,
            names: Names::default(),
            data,
        })
    }

    /// One past the last type's id.
    pub fn end(&self) -> u32 {
        self.first + self.types.len() as u32
    }

    /// The id of this BTF's own first type (1 unless it is split).
    pub fn first(&self) -> u32 {
        self.first
    }

    /// One past the last string's place: where a BTF on top of this one counts from.
    pub fn string_end(&self) -> u32 {
        self.base_strings + self.strings.len() as u32
    }

    /// The BTF that this one is on top of.
    pub fn base(&self) -> Option<&Arc<Btf>> {
        self.base.as_ref()
    }

    pub(super) fn word(&self, at: usize) -> u32 {
        match self.data.get(at..at + 4) {
            Some(b) => u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
            None => 0,
        }
    }

    pub(super) fn string_bytes(&self, offset: u32) -> &[u8] {
        // Place 0 means "no name", whatever is there.
        if offset == 0 {
            return &[];
        }
        if offset < self.base_strings {
            return self.base.as_ref().map_or(&[], |b| b.string_bytes(offset));
        }
        let bytes = &self.data[self.strings.clone()];
        let bytes = bytes.get((offset - self.base_strings) as usize..).unwrap_or(&[]);
        &bytes[..memchr::memchr(0, bytes).unwrap_or(bytes.len())]
    }

    /// The string at this place of the string section; empty if there is none.
    pub fn string(&self, offset: u32) -> &str {
        std::str::from_utf8(self.string_bytes(offset)).unwrap_or("")
    }

    /// The BTF that owns a type and the type's place in its data; `None` for void and
    /// for ids that don't exist.
    fn locate(&self, id: u32) -> Option<(&Btf, usize)> {
        if id < self.first {
            return self.base.as_ref()?.locate(id);
        }
        self.types.get((id - self.first) as usize).map(|at| (self, *at as usize))
    }

    pub(super) fn kind_at(&self, at: usize) -> BtfKind {
        BtfKind::of(self.word(at + 4) >> 24 & 0x1f).unwrap_or(BtfKind::Void)
    }

    /// The kind of a type.
    pub fn kind(&self, id: u32) -> BtfKind {
        self.locate(id).map_or(BtfKind::Void, |(b, at)| b.kind_at(at))
    }

    /// The type with this id; an id that doesn't exist is [`BtfType::Void`].
    pub fn ty(&self, id: u32) -> BtfType<'_> {
        let Some((b, at)) = self.locate(id) else { return BtfType::Void };
        let info = b.word(at + 4);
        let size = b.word(at + 8);
        let flag = info >> 31 == 1;
        let name = b.string(b.word(at));
        match b.kind_at(at) {
            BtfKind::Void => BtfType::Void,
            BtfKind::Int => {
                let extra = b.word(at + 12);
                BtfType::Int {
                    name,
                    size,
                    signed: extra >> 24 & 1 != 0,
                    boolean: extra >> 24 & 4 != 0,
                    bits: (extra & 0xff) as u8,
                }
            }
            BtfKind::Float => BtfType::Float { name, size },
            BtfKind::Pointer => BtfType::Pointer(size),
            BtfKind::Array => BtfType::Array { element: b.word(at + 12), len: b.word(at + 20) },
            BtfKind::Struct => BtfType::Record { name, is_union: false, size },
            BtfKind::Union => BtfType::Record { name, is_union: true, size },
            BtfKind::Enum | BtfKind::Enum64 => BtfType::Enum { name, size, signed: flag },
            BtfKind::Forward => BtfType::Forward { name, is_union: flag },
            BtfKind::Typedef => BtfType::Typedef { name, to: size },
            kind @ (BtfKind::Volatile | BtfKind::Const | BtfKind::Restrict | BtfKind::TypeTag) => {
                BtfType::Qualifier { kind, name, to: size }
            }
            BtfKind::Function => BtfType::Function { name, proto: size },
            BtfKind::FunctionProto => BtfType::FunctionProto { ret: size },
            BtfKind::Var => BtfType::Var { name, ty: size },
            BtfKind::DataSection | BtfKind::DeclTag => BtfType::Other,
        }
    }

    /// The type behind qualifiers (not typedefs), with its id.
    pub fn unqualified(&self, mut id: u32) -> u32 {
        for _ in 0..DEPTH {
            let BtfType::Qualifier { to, .. } = self.ty(id) else { return id };
            id = to;
        }
        0
    }

    /// The type behind qualifiers and typedefs.
    pub fn resolve(&self, mut id: u32) -> u32 {
        for _ in 0..DEPTH {
            let (BtfType::Qualifier { to, .. } | BtfType::Typedef { to, .. }) = self.ty(id) else {
                return id;
            };
            id = to;
        }
        0
    }

    /// The members of a struct or union, in order; none for other types.
    pub fn members(&self, id: u32) -> Vec<BtfMember<'_>> {
        (0..).map_while(|index| self.member(id, index)).collect()
    }

    /// One member of a struct or union.
    pub fn member(&self, id: u32, index: u32) -> Option<BtfMember<'_>> {
        let (b, at) = self.locate(id)?;
        let info = b.word(at + 4);
        let is_record = matches!(b.kind_at(at), BtfKind::Struct | BtfKind::Union);
        if !is_record || index >= info & 0xffff {
            return None;
        }
        let m = at + 12 + 12 * index as usize;
        let offset = b.word(m + 8);
        let has_widths = info >> 31 == 1;
        let (bit_offset, bits) =
            if has_widths { (offset & 0xff_ffff, (offset >> 24) as u8) } else { (offset, 0) };
        Some(BtfMember { name: b.string(b.word(m)), ty: b.word(m + 4), bit_offset, bits })
    }

    /// The constants of an enum with their values.
    pub fn enumerators(&self, id: u32) -> Vec<(&str, i64)> {
        let Some((b, at)) = self.locate(id) else { return Vec::new() };
        let info = b.word(at + 4);
        let (signed, len) = (info >> 31 == 1, (info & 0xffff) as usize);
        let item = |i: usize| match b.kind_at(at) {
            BtfKind::Enum => {
                let m = at + 12 + 8 * i;
                let v = b.word(m + 4);
                let v = if signed { i64::from(v as i32) } else { i64::from(v) };
                Some((b.string(b.word(m)), v))
            }
            BtfKind::Enum64 => {
                let m = at + 12 + 12 * i;
                let v = u64::from(b.word(m + 4)) | u64::from(b.word(m + 8)) << 32;
                Some((b.string(b.word(m)), v as i64))
            }
            _ => None,
        };
        (0..len).map_while(item).collect()
    }

    /// Names and types of a prototype's parameters; a last one of type 0 without a
    /// name is `…`.
    pub fn params(&self, id: u32) -> Vec<(&str, u32)> {
        let Some((b, at)) = self.locate(id) else { return Vec::new() };
        if b.kind_at(at) != BtfKind::FunctionProto {
            return Vec::new();
        }
        (0..(b.word(at + 4) & 0xffff) as usize)
            .map(|i| {
                let m = at + 12 + 8 * i;
                (b.string(b.word(m)), b.word(m + 4))
            })
            .collect()
    }

    /// Size in bytes; `None` for void, functions and incomplete types.
    pub fn size(&self, id: u32) -> Option<u32> {
        let (mut id, mut count) = (id, 1u32);
        for _ in 0..DEPTH {
            let size = match self.ty(self.resolve(id)) {
                BtfType::Int { size, .. }
                | BtfType::Float { size, .. }
                | BtfType::Record { size, .. }
                | BtfType::Enum { size, .. } => size,
                BtfType::Pointer(_) => 8,
                BtfType::Array { element, len } => {
                    (id, count) = (element, count.checked_mul(len)?);
                    continue;
                }
                _ => return None,
            };
            return size.checked_mul(count);
        }
        None
    }

    /// The name of a type; empty if it has none.
    pub fn name(&self, id: u32) -> &str {
        self.locate(id).map_or("", |(b, at)| b.string(b.word(at)))
    }

    /// Own types of a kind, with names: for listings and suggestions.
    pub fn own(&self, wanted: impl Fn(BtfKind) -> bool) -> impl Iterator<Item = (u32, &str)> {
        self.types.iter().enumerate().filter_map(move |(i, at)| {
            let at = *at as usize;
            wanted(self.kind_at(at)).then(|| (self.first + i as u32, self.string(self.word(at))))
        })
    }
}
