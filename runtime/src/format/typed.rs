//! `print()`: a value as C would write it, each part with its type.
//!
//! In: bytes and the manifest's types. Out: lines, inner ones further to the right. What is
//! zero is left out, but for the value as a whole; text in a `char` array ends at its NUL.
//! What was not taken, because `printsize` is less, is `...`.

use std::fmt::Write;
use strand_compiler::manifest::{TypeKind, TypeLayout, TypeMember};

/// Columns before the outermost value.
const INDENT: usize = 44;

/// How deep structs in structs are shown.
const DEEPEST: usize = 10;

/// Shows the value of type `ty` that begins with `bytes`, as far as what begins in the
/// first `most` of them; its address first, if it is wanted.
pub fn print(
    out: &mut String,
    types: &[TypeLayout],
    ty: u32,
    (bytes, most): (&[u8], usize),
    address: Option<u64>,
) {
    if let Some(address) = address {
        let _ = writeln!(out, "{address:#x} = *");
    }
    let mut printer = Printer { out, types, bytes, most, open: Vec::new() };
    // Where it ends early is marked already.
    let _ = printer.value("", ty, Place { bit: 0, bits: None, depth: 0 });
    printer.close(0);
}

/// Where a value is, and how deep.
#[derive(Clone, Copy)]
struct Place {
    /// In bits from the start.
    bit: u64,
    /// Width of a bit-field.
    bits: Option<u8>,
    depth: usize,
}

struct Printer<'a> {
    out: &'a mut String,
    types: &'a [TypeLayout],
    bytes: &'a [u8],
    most: usize,
    /// Depths of brackets that wait for what comes next, outermost first: a mark that
    /// something is missing stands within them.
    open: Vec<(usize, char)>,
}

impl Printer<'_> {
    /// Shows a value; `None` if nothing may come after it.
    fn value(&mut self, name: &str, ty: u32, place: Place) -> Option<()> {
        let types = self.types;
        let layout = types.get(ty as usize)?;
        let start = (place.bit / 8) as usize;
        if start >= self.bytes.len().min(self.most) || place.depth >= DEEPEST {
            self.line(place.depth, "", "...");
            return None;
        }
        self.close(place.depth);
        let bytes = &self.bytes[start..(start + layout.size as usize).min(self.bytes.len())];
        let number = match place.bits {
            Some(bits) => self.bit_field(place.bit, bits, layout),
            None => integer(bytes, signed(&layout.kind)),
        };
        let nothing = match place.bits {
            Some(_) => number == 0,
            None => bytes.iter().all(|b| *b == 0),
        };
        if nothing && place.depth > 0 || matches!(layout.kind, TypeKind::Opaque) {
            return Some(());
        }
        let shown = match &layout.kind {
            TypeKind::Record(members) => return self.record(name, layout, members, place),
            TypeKind::Array { element, len } => {
                return self.array(name, layout, (*element, *len), place);
            }
            TypeKind::Int { char: true, .. } => format!("'{}'", character(number as u8)),
            TypeKind::Int { .. } if layout.size > 8 => wide(bytes),
            TypeKind::Int { signed: false, .. } => (number as u64).to_string(),
            TypeKind::Int { .. } => number.to_string(),
            TypeKind::Float => float(bytes),
            TypeKind::Pointer => format!("{number:#x}"),
            TypeKind::Enum { items, .. } => match items.iter().find(|(_, v)| *v == number) {
                Some((name, _)) => name.clone(),
                None => number.to_string(),
            },
            TypeKind::Opaque => return Some(()),
        };
        self.line(place.depth, name, &format!("({}){shown},", layout.name));
        Some(())
    }

    fn record(
        &mut self,
        name: &str,
        layout: &TypeLayout,
        members: &[TypeMember],
        place: Place,
    ) -> Option<()> {
        self.line(place.depth, name, &format!("({}) {{", layout.name));
        self.open.push((place.depth, '}'));
        for m in members {
            let bit = place.bit + u64::from(m.bit_offset);
            self.value(&m.name, m.ty, Place { bit, bits: m.bits, depth: place.depth + 1 })?;
        }
        Some(())
    }

    fn array(
        &mut self,
        name: &str,
        layout: &TypeLayout,
        (element, len): (u32, u32),
        place: Place,
    ) -> Option<()> {
        self.line(place.depth, name, &format!("({}) [", layout.name));
        self.open.push((place.depth, ']'));
        let of = self.types.get(element as usize)?;
        let text = matches!(of.kind, TypeKind::Int { .. }) && of.size == 1;
        for i in 0..u64::from(len) {
            let bit = place.bit + 8 * i * u64::from(of.size);
            let ends = text && self.bytes.get((bit / 8) as usize) == Some(&0);
            if ends {
                break;
            }
            self.value("", element, Place { bit, bits: None, depth: place.depth + 1 })?;
        }
        self.close(place.depth);
        Some(())
    }

    /// Closes what is open at this depth or deeper.
    fn close(&mut self, depth: usize) {
        while let Some((at, bracket)) = self.open.pop_if(|(at, _)| *at >= depth) {
            let comma = if at > 0 || bracket == ']' { "," } else { "" };
            self.line(at, "", &format!("{bracket}{comma}"));
        }
    }

    fn line(&mut self, depth: usize, name: &str, text: &str) {
        let columns = INDENT + depth;
        let _ = match name {
            "" => writeln!(self.out, "{:columns$}{text}", ""),
            name => writeln!(self.out, "{:columns$}.{name} = {text}", ""),
        };
    }

    /// A bit-field's value: its bits may lie in up to nine bytes.
    fn bit_field(&self, bit: u64, bits: u8, layout: &TypeLayout) -> i64 {
        let start = (bit / 8) as usize;
        let mut raw = [0; 16];
        for (to, from) in raw.iter_mut().zip(self.bytes.iter().skip(start).take(9)) {
            *to = *from;
        }
        let bits = u32::from(bits.clamp(1, 64));
        let value = (u128::from_le_bytes(raw) >> (bit % 8)) as u64;
        let unused = 64 - bits;
        match signed(&layout.kind) {
            true => (value << unused) as i64 >> unused,
            false => (value << unused >> unused) as i64,
        }
    }
}

fn signed(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Int { signed: true, .. } | TypeKind::Enum { signed: true, .. })
}

/// The first eight bytes at most.
fn integer(bytes: &[u8], signed: bool) -> i64 {
    let mut raw = [0; 8];
    let n = bytes.len().min(8);
    raw[..n].copy_from_slice(&bytes[..n]);
    let unused = 8 * (8 - n as u32);
    let value = i64::from_le_bytes(raw);
    if signed && (1..8).contains(&n) { value << unused >> unused } else { value }
}

fn wide(bytes: &[u8]) -> String {
    let mut raw = [0; 16];
    let n = bytes.len().min(16);
    raw[..n].copy_from_slice(&bytes[..n]);
    format!("{:#x}", u128::from_le_bytes(raw))
}

fn float(bytes: &[u8]) -> String {
    match (bytes.first_chunk::<4>(), bytes.first_chunk::<8>()) {
        (_, Some(b)) => f64::from_le_bytes(*b).to_string(),
        (Some(b), None) => f32::from_le_bytes(*b).to_string(),
        _ => String::new(),
    }
}

fn character(c: u8) -> String {
    match c {
        b'\'' => "\\'".to_owned(),
        32..127 => char::from(c).to_string(),
        _ => c.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(name: &str, size: u32, signed: bool) -> TypeLayout {
        let kind = TypeKind::Int { signed, char: name == "char" };
        TypeLayout { name: name.to_owned(), size, kind }
    }

    fn member(name: &str, ty: u32, bit_offset: u32, bits: Option<u8>) -> TypeMember {
        TypeMember { name: name.to_owned(), ty, bit_offset, bits }
    }

    /// `struct pair { int n; struct { char text[4]; unsigned int low : 3; } in; };`
    fn types() -> Vec<TypeLayout> {
        let record = |name: &str, size, members| TypeLayout {
            name: name.to_owned(),
            size,
            kind: TypeKind::Record(members),
        };
        let text = TypeKind::Array { element: 3, len: 4 };
        vec![
            record("struct pair", 12, vec![member("n", 1, 0, None), member("in", 2, 32, None)]),
            int("int", 4, true),
            record("struct", 8, vec![member("text", 4, 0, None), member("low", 5, 33, Some(3))]),
            int("char", 1, true),
            TypeLayout { name: "char [4]".to_owned(), size: 4, kind: text },
            int("unsigned int", 4, false),
        ]
    }

    fn shown(bytes: &[u8], most: usize) -> String {
        let mut out = String::new();
        print(&mut out, &types(), 0, (bytes, most), Some(0x1000));
        out.lines()
            .map(|l| l.strip_prefix(&" ".repeat(INDENT)).unwrap_or(l))
            .fold(String::new(), |all, l| all + l + "\n")
    }

    #[test]
    fn structs_in_structs() {
        let bytes = [0xff, 0xff, 0xff, 0xff, b'h', b'i', 0, 9, 0b1010, 0, 0, 0];
        insta::assert_snapshot!(shown(&bytes, 12), @r"
        0x1000 = *
        (struct pair) {
         .n = (int)-1,
         .in = (struct) {
          .text = (char [4]) [
           (char)'h',
           (char)'i',
          ],
          .low = (unsigned int)5,
         },
        }
        ");
    }

    #[test]
    fn zeros_are_left_out() {
        insta::assert_snapshot!(shown(&[0; 12], 12), @r"
        0x1000 = *
        (struct pair) {
        }
        ");
    }

    #[test]
    fn what_was_not_taken() {
        insta::assert_snapshot!(shown(&[1, 0, 0, 0], 12), @r"
        0x1000 = *
        (struct pair) {
         .n = (int)1,
         ...
        }
        ");
        insta::assert_snapshot!(shown(&[1, 0, 0, 0, b'x', b'y'], 5), @r"
        0x1000 = *
        (struct pair) {
         .n = (int)1,
         .in = (struct) {
          .text = (char [4]) [
           (char)'x',
           ...
          ],
         },
        }
        ");
        // The text is over, whether or not its NUL was asked for.
        insta::assert_snapshot!(shown(&[1, 0, 0, 0, b'x', 0], 5), @r"
        0x1000 = *
        (struct pair) {
         .n = (int)1,
         .in = (struct) {
          .text = (char [4]) [
           (char)'x',
          ],
          ...
         },
        }
        ");
    }
}
