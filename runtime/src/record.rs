//! Records to data.
//!
//! In: bytes of a record or key and the manifest's [`Datum`]s. Out: [`Data`], borrowed
//! from the bytes. Bytes that are too short read as zero: a record is never trusted.

use strand_compiler::manifest::{Datum, DatumKind, SymbolKind, copied};

/// One piece of data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Data<'a> {
    /// An integer, extended to 64 bits by its signedness.
    Int {
        /// Its bits.
        value: i64,
        /// The bytes that it had.
        bytes: u8,
        /// Signed.
        signed: bool,
    },
    /// A floating-point number.
    Float(f64),
    /// Text without its NUL.
    Text(&'a [u8]),
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// Kernel addresses, innermost first.
    Stack(Frames<'a>),
    /// A process's addresses.
    UserStack(u64, Frames<'a>),
    /// The same by frame pointers, and what it can be unwound from.
    CopiedStack(u64, Frames<'a>, Copied<'a>),
    /// A kernel address.
    Symbol(SymbolKind, u64),
    /// A process and an address in it.
    UserSymbol(SymbolKind, u64, u64),
}

/// Addresses of a stack, ended by a zero or the end of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames<'a>(&'a [u8]);

impl<'a> Frames<'a> {
    /// Addresses in these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Frames(bytes)
    }

    /// How many there could be.
    pub fn room(self) -> usize {
        self.0.len() / 8
    }

    /// The addresses.
    pub fn iter(self) -> impl Iterator<Item = u64> + 'a {
        self.0.chunks_exact(8).map(|c| word(c, 0)).take_while(|a| *a != 0)
    }
}

/// What a user stack was copied with, which is nothing if not a byte of it could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied<'a> {
    /// In the order of the kernel's `struct pt_regs`.
    pub registers: &'a [u8],
    /// Places on the stack where an address to return to was changed, and what was there.
    pub returns: &'a [u8],
    /// From the stack pointer up.
    pub memory: &'a [u8],
    /// Bytes that were asked for.
    pub room: usize,
}

impl<'a> Copied<'a> {
    /// From a datum's bytes.
    fn new(bytes: &'a [u8], frames: u32, returns: u32) -> Self {
        let part = |from: u32, to: u32| bytes.get(from as usize..to as usize).unwrap_or(&[]);
        let start = copied::bytes(frames, returns);
        let room = bytes.get(start as usize..).unwrap_or(&[]);
        let length = word(bytes, copied::length(frames) as usize) as usize;
        Copied {
            registers: part(copied::registers(frames), copied::length(frames)),
            returns: part(copied::returns(frames), start),
            memory: &room[..length.min(room.len())],
            room: room.len(),
        }
    }
}

impl Copied<'_> {
    /// Where the function returns to whose address for that is at this place, if the kernel has
    /// put its own there.
    pub fn original_return(&self, place: u64) -> Option<u64> {
        let pairs = self.returns.chunks_exact(16).map(|pair| (word(pair, 0), word(pair, 8)));
        pairs.take_while(|(at, _)| *at != 0).find(|(at, _)| *at == place).map(|(_, to)| to)
    }
}

/// The u64 at an offset, 0 beyond the end.
pub fn word(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..at + 8) {
        Some(b) => u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]),
        None => 0,
    }
}

/// The u32 at an offset, 0 beyond the end.
pub fn half(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(b) => u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        None => 0,
    }
}

/// An integer of 1, 2, 4 or 8 bytes.
fn integer(bytes: &[u8], signed: bool) -> i64 {
    let mut raw = [0; 8];
    let n = bytes.len().min(8);
    raw[..n].copy_from_slice(&bytes[..n]);
    let value = i64::from_le_bytes(raw);
    if !signed || n == 0 || n == 8 {
        return value;
    }
    let shift = 64 - 8 * n as u32;
    value << shift >> shift
}

/// Reads one datum.
pub fn decode<'a>(bytes: &'a [u8], datum: &Datum) -> Data<'a> {
    let start = (datum.offset as usize).min(bytes.len());
    let end = (start + datum.size as usize).min(bytes.len());
    let bytes = &bytes[start..end];
    match datum.kind {
        DatumKind::Int { signed } => {
            Data::Int { value: integer(bytes, signed), bytes: datum.size as u8, signed }
        }
        DatumKind::Float => Data::Float(match bytes.len() {
            4 => f64::from(f32::from_bits(half(bytes, 0))),
            _ => f64::from_bits(word(bytes, 0)),
        }),
        DatumKind::String => {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            Data::Text(&bytes[..end])
        }
        DatumKind::Bytes => Data::Bytes(bytes),
        DatumKind::Stack => Data::Stack(Frames(bytes)),
        DatumKind::UserStack => {
            Data::UserStack(word(bytes, 0), Frames(bytes.get(8..).unwrap_or(&[])))
        }
        DatumKind::CopiedStack { frames, returns } => {
            let end = copied::registers(frames) as usize;
            let addresses = bytes.get(8..end.min(bytes.len())).unwrap_or(&[]);
            let copied = Copied::new(bytes, frames, returns);
            Data::CopiedStack(word(bytes, 0), Frames(addresses), copied)
        }
        DatumKind::Symbol(kind) => Data::Symbol(kind, word(bytes, 0)),
        DatumKind::UserSymbol(kind) => Data::UserSymbol(kind, word(bytes, 0), word(bytes, 8)),
    }
}

impl Data<'_> {
    /// As a number, for actions that take one.
    pub fn number(&self) -> i64 {
        match self {
            Data::Int { value, .. } => *value,
            Data::Float(v) => *v as i64,
            Data::Symbol(_, address) | Data::UserSymbol(_, _, address) => *address as i64,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_records_read_as_zero() {
        let datum = Datum { offset: 6, size: 4, kind: DatumKind::Int { signed: true } };
        assert_eq!(decode(&[0xff; 8], &datum), Data::Int { value: -1, bytes: 4, signed: true });
        let datum = Datum { offset: 60, size: 4, kind: DatumKind::Int { signed: false } };
        assert_eq!(decode(&[0xff; 8], &datum), Data::Int { value: 0, bytes: 4, signed: false });
    }

    #[test]
    fn frames_end_at_zero() {
        let mut bytes = Vec::new();
        for a in [1u64, 2, 0, 3] {
            bytes.extend(a.to_le_bytes());
        }
        assert_eq!(Frames(&bytes).iter().collect::<Vec<_>>(), [1, 2]);
    }
}
