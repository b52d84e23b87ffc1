//! Markers that a program's author has put into it (USDT).
//!
//! In: the notes of an ELF file. Out: markers with their places, arguments and semaphores.
//! Each marker of a source is one or several instructions that do nothing; a note for each
//! says where it is, as linked before the file may have been moved by prelink: it also says
//! where the section `.stapsdt.base` was then.

use super::argument::{self, Around, Machine};
use super::binary::Binary;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection, ReadCache};
use std::fs::File;
use strand_compiler::kernel::MarkerArg;

/// A marker at one of its places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The provider.
    pub provider: String,
    /// As D has it: with `-` for `__`.
    pub name: String,
    /// As linked.
    pub address: u64,
    /// The instruction in the file.
    pub offset: u64,
    /// Of the counter in the file; 0: none.
    pub semaphore: u64,
    /// In order.
    pub args: Vec<MarkerArg>,
}

/// What a note says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    address: u64,
    base: u64,
    semaphore: u64,
    provider: String,
    name: String,
    args: String,
}

/// Kind of the notes, and who they are by.
const KIND: u32 = 3;
const OWNER: &[u8] = b"stapsdt\0";

/// Where the notes are.
pub(super) const SECTION: &str = ".note.stapsdt";

/// Providers and names of a file's markers, of which no more than their notes is read.
pub fn names(path: &str) -> Vec<(String, String)> {
    let Ok(file) = File::open(path) else { return Vec::new() };
    if !file.metadata().is_ok_and(|m| m.is_file()) {
        return Vec::new();
    }
    let cache = ReadCache::new(file);
    let Ok(elf) = ElfFile64::<Endianness, _>::parse(&cache) else { return Vec::new() };
    let section = elf.section_by_name(SECTION);
    let bytes = section.and_then(|s| s.data().ok()).unwrap_or_default();
    notes(bytes).into_iter().map(|note| (note.provider, name_in_d(&note.name))).collect()
}

/// `order__done` is `order-done`.
fn name_in_d(name: &str) -> String {
    name.replace("__", "-")
}

/// All markers of a file, in order of address.
pub(super) fn read<'d>(
    elf: &ElfFile64<'d, Endianness, &'d ReadCache<File>>,
    machine: Machine,
    binary: &Binary,
) -> Vec<Marker> {
    let section = elf.section_by_name(SECTION);
    let Some(bytes) = section.and_then(|s| s.data().ok()) else { return Vec::new() };
    let base = elf.section_by_name(".stapsdt.base").map(|s| s.address());
    let symbol = |name: &str| binary.variable(name);
    let marker = |note: Note| {
        let moved = base.filter(|_| note.base != 0).map_or(0, |at| at.wrapping_sub(note.base));
        let address = note.address.wrapping_add(moved);
        let around = Around { machine, address, symbol: &symbol };
        let semaphore = match note.semaphore {
            0 => 0,
            at => binary.offset_of_data(at.wrapping_add(moved))?,
        };
        Some(Marker {
            provider: note.provider,
            name: name_in_d(&note.name),
            address,
            offset: binary.offset_of_code(address)?,
            semaphore,
            args: argument::parse(&note.args, &around),
        })
    };
    let mut markers: Vec<Marker> = notes(bytes).into_iter().filter_map(marker).collect();
    markers.sort_by_key(|m| m.address);
    markers
}

/// Takes notes apart; what is cut short is left out.
fn notes(mut bytes: &[u8]) -> Vec<Note> {
    let word = |b: &[u8], at: usize| Some(u32::from_le_bytes(b.get(at..at + 4)?.try_into().ok()?));
    let mut found = Vec::new();
    while let (Some(owner), Some(size), Some(kind)) =
        (word(bytes, 0), word(bytes, 4), word(bytes, 8))
    {
        let round = |n: u32| n as usize + (n as usize).wrapping_neg() % 4;
        let name = 12..12 + owner as usize;
        let at = 12 + round(owner);
        let (Some(name), Some(content)) = (bytes.get(name), bytes.get(at..at + size as usize))
        else {
            break;
        };
        if kind == KIND && name == OWNER {
            found.extend(note(content));
        }
        bytes = bytes.get(at + round(size)..).unwrap_or_default();
    }
    found
}

/// Three addresses, three texts.
fn note(content: &[u8]) -> Option<Note> {
    let address =
        |i: usize| Some(u64::from_le_bytes(content.get(8 * i..8 * i + 8)?.try_into().ok()?));
    let mut texts = content.get(24..)?.split(|b| *b == 0);
    let mut text = || Some(String::from_utf8_lossy(texts.next()?).into_owned());
    Some(Note {
        address: address(0)?,
        base: address(1)?,
        semaphore: address(2)?,
        provider: text()?,
        name: text()?,
        args: text()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(owner: &[u8], content: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        for word in [owner.len() as u32, content.len() as u32, KIND] {
            all.extend_from_slice(&word.to_le_bytes());
        }
        for part in [owner, content] {
            all.extend_from_slice(part);
            all.resize(all.len().next_multiple_of(4), 0);
        }
        all
    }

    fn content(name: &str) -> Vec<u8> {
        let mut content = Vec::new();
        for address in [0x1000u64, 0x2000, 0] {
            content.extend_from_slice(&address.to_le_bytes());
        }
        content.extend_from_slice(format!("prov\0{name}\0-4@%edi\0").as_bytes());
        content
    }

    #[test]
    fn notes_of_others_are_passed_over() {
        let mut all = bytes(b"GNU\0", b"something else");
        all.extend(bytes(OWNER, &content("first")));
        all.extend(bytes(OWNER, &content("second__one")));
        let found = notes(&all);
        let names: Vec<&str> = found.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["first", "second__one"]);
        assert_eq!((found[0].address, found[0].args.as_str()), (0x1000, "-4@%edi"));
    }

    #[test]
    fn cut_notes_are_no_matter() {
        let all = bytes(OWNER, &content("only"));
        for len in 0..all.len() {
            assert!(notes(&all[..len]).len() <= 1);
        }
        assert_eq!(note(b"short"), None);
    }
}
