//! Maps as BTF describes them to a loader.
//!
//! In: [`Map`]s. Out: for each a variable of a struct type whose members say what the
//! map is (`int (*type)[BPF_MAP_TYPE_HASH]; struct key *key; …`), the convention that
//! libbpf and aya read, and the BTF of keys and values, by which bpftool prints them.

use super::ObjectError;
use crate::btf::write::{BtfBuilder, IntEncoding, Linkage, NewMember, NewType};
use crate::ir::{Layout, LayoutKind, Map, MapKind};

/// A map's place in the `.maps` section.
pub(super) struct MapVar {
    /// Its variable in BTF.
    pub var: u32,
    /// Offset in the section.
    pub offset: u32,
    /// Bytes there.
    pub size: u32,
}

/// `BPF_MAP_TYPE_*`
fn number(kind: MapKind) -> u32 {
    match kind {
        MapKind::Hash => 1,
        MapKind::Array => 2,
        MapKind::PercpuHash => 5,
        MapKind::PercpuArray => 6,
        MapKind::StackTrace => 7,
        MapKind::LruHash => 9,
        MapKind::Queue => 22,
        MapKind::Ringbuf => 27,
        MapKind::TaskStorage => 29,
    }
}

/// Describes all maps; their section is as large as the last one's end.
pub(super) fn describe(maps: &[Map], out: &mut BtfBuilder) -> Result<Vec<MapVar>, ObjectError> {
    let mut vars = Vec::new();
    let mut offset = 0;
    for map in maps {
        let members = members(map, out)?;
        let size = 8 * members.len() as u32;
        let ty = out.add(NewType::Record { name: "", is_union: false, size, members: &members });
        let var = out.add(NewType::Var { name: &map.name, ty, linkage: Linkage::Global });
        vars.push(MapVar { var, offset, size });
        offset += size;
    }
    Ok(vars)
}

fn members<'a>(map: &Map, out: &mut BtfBuilder) -> Result<Vec<NewMember<'a>>, ObjectError> {
    // A number is the length of an array that the member points to.
    let constant = |n: u32, out: &mut BtfBuilder| {
        let int = out.int();
        let array = out.add(NewType::Array { element: int, len: n });
        out.add(NewType::Pointer(array))
    };
    let mut types = vec![("type", constant(number(map.kind), out))];
    if let Some(key) = &map.key {
        // Kernels take nothing but an integer as the key of these, struct or not.
        let plain = matches!(
            map.kind,
            MapKind::Array | MapKind::PercpuArray | MapKind::TaskStorage | MapKind::StackTrace
        );
        let ty = if plain {
            if key.size != 4 {
                return Err(ObjectError::BadLayout { map: map.name.clone(), field: "key".into() });
            }
            out.unsigned_int()
        } else {
            layout(map, "key", key, out)?
        };
        types.push(("key", out.add(NewType::Pointer(ty))));
    }
    if let Some(value) = &map.value {
        let ty = layout(map, "value", value, out)?;
        types.push(("value", out.add(NewType::Pointer(ty))));
    }
    if map.entries > 0 {
        types.push(("max_entries", constant(map.entries, out)));
    }
    if map.flags > 0 {
        types.push(("map_flags", constant(map.flags, out)));
    }
    let member = |(i, (name, ty)): (usize, (&'a str, u32))| NewMember {
        name,
        ty,
        bit_offset: 64 * i as u32,
        bits: 0,
    };
    Ok(types.into_iter().enumerate().map(member).collect())
}

/// A struct `map_key` or `map_value` with the layout's parts at their offsets.
fn layout(
    map: &Map,
    role: &str,
    layout: &Layout,
    out: &mut BtfBuilder,
) -> Result<u32, ObjectError> {
    let mut members = Vec::new();
    let mut end = 0;
    for field in &layout.fields {
        let (ty, size) = part(field.kind, out);
        let odd =
            matches!(field.kind, LayoutKind::Int { bytes, .. } if ![1, 2, 4, 8].contains(&bytes));
        if odd || field.offset < end || field.offset.saturating_add(size) > layout.size {
            return Err(ObjectError::BadLayout {
                map: map.name.clone(),
                field: field.name.clone(),
            });
        }
        end = field.offset + size;
        members.push(NewMember { name: &field.name, ty, bit_offset: 8 * field.offset, bits: 0 });
    }
    let name = format!("{}_{role}", map.name);
    let record =
        NewType::Record { name: &name, is_union: false, size: layout.size, members: &members };
    Ok(out.add(record))
}

/// The type of a part and its size.
fn part(kind: LayoutKind, out: &mut BtfBuilder) -> (u32, u32) {
    let array =
        |element, len, size, out: &mut BtfBuilder| (out.add(NewType::Array { element, len }), size);
    match kind {
        LayoutKind::Int { bytes, signed } => (int(bytes, signed, out), bytes.into()),
        LayoutKind::String(n) => {
            let encoding = IntEncoding::Signed;
            let char = out.add(NewType::Int { name: "char", size: 1, encoding });
            array(char, n, n, out)
        }
        LayoutKind::Bytes(n) => {
            let byte = int(1, false, out);
            array(byte, n, n, out)
        }
        LayoutKind::Words(n) => {
            let word = int(8, false, out);
            array(word, n, n.saturating_mul(8), out)
        }
    }
}

/// An integer as C spells it.
pub(super) fn int(bytes: u8, signed: bool, out: &mut BtfBuilder) -> u32 {
    let name = match (bytes, signed) {
        (1, true) => "signed char",
        (1, false) => "unsigned char",
        (2, true) => "short",
        (2, false) => "unsigned short",
        (4, true) => "int",
        (4, false) => "unsigned int",
        (_, true) => "long long",
        (_, false) => "unsigned long long",
    };
    let encoding = if signed { IntEncoding::Signed } else { IntEncoding::Unsigned };
    out.add(NewType::Int { name, size: bytes.into(), encoding })
}
