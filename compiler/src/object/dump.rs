//! An object file as text.
//!
//! In: the bytes of an ELF file that [`super::write`] made. Out: what `-d elf` shows and
//! tests compare: sections, symbols, relocations, the types as C, the D line of each
//! instruction and the CO-RE relocations. Reads only what is in the file; the code
//! itself is left to disassemblers.

use crate::btf::print::definition;
use crate::btf::{Btf, BtfError, BtfKind, BtfType};
use object::elf::{R_BPF_64_32, R_BPF_64_64};
use object::read::elf::ElfFile64;
use object::{
    LittleEndian, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
    SectionIndex, SectionKind, SymbolKind,
};
use std::fmt::Write;

/// Why a file can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It is no ELF file.
    #[error("the object file can't be read: {0}")]
    Elf(#[from] object::read::Error),
    /// Its types can't be read.
    #[error("the object file's types can't be read")]
    Btf(#[from] BtfError),
}

type File<'a> = ElfFile64<'a, LittleEndian>;

/// The text of an object file.
pub fn dump(elf: &[u8]) -> Result<String, DumpError> {
    let file = File::parse(elf)?;
    let mut out = String::new();
    sections(&file, &mut out)?;
    symbols(&file, &mut out)?;
    relocations(&file, &mut out)?;
    let section = |name| file.section_by_name(name).and_then(|s| s.data().ok());
    if let Some(bytes) = section(".BTF") {
        let btf = Btf::parse(bytes.to_vec(), None)?;
        types(&btf, &mut out);
        if let Some(bytes) = section(".BTF.ext") {
            tables(&btf, bytes, &mut out);
        }
    }
    Ok(out)
}

/// Adds a line. Writing to a string can't fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => { let _ = writeln!($out, $($text)*); };
}

fn sections(file: &File, out: &mut String) -> Result<(), DumpError> {
    line!(out, "sections");
    for s in file.sections() {
        let name = s.name()?;
        let kind = match s.kind() {
            // Their contents are shown below.
            SectionKind::Metadata => continue,
            SectionKind::Text => "code",
            SectionKind::Data => "data",
            SectionKind::ReadOnlyData => "constant",
            SectionKind::UninitializedData => "zero",
            _ => "other",
        };
        // The sizes of these depend on the length of names.
        let size = match name.starts_with(".BTF") || name == crate::manifest::SECTION {
            true => String::new(),
            false => format!(" {} bytes", s.size()),
        };
        line!(out, "  {name}: {kind}{size}");
    }
    Ok(())
}

fn section_name<'a>(file: &File<'a>, index: Option<SectionIndex>) -> &'a str {
    let section = index.and_then(|i| file.section_by_index(i).ok());
    section.and_then(|s| s.name().ok()).unwrap_or("?")
}

fn symbols(file: &File, out: &mut String) -> Result<(), DumpError> {
    line!(out, "symbols");
    for s in file.symbols() {
        let kind = match s.kind() {
            SymbolKind::Text => "function",
            SymbolKind::Data => "object",
            _ => continue,
        };
        let scope = if s.is_global() { "global" } else { "local" };
        let section = section_name(file, s.section_index());
        let (at, size) = (s.address(), s.size());
        line!(out, "  {scope} {kind} {}: {section}+{at}, {size} bytes", s.name()?);
    }
    Ok(())
}

fn relocations(file: &File, out: &mut String) -> Result<(), DumpError> {
    line!(out, "relocations");
    for s in file.sections() {
        let data = s.data().unwrap_or(&[]);
        for (at, r) in s.relocations() {
            let RelocationFlags::Elf { r_type, .. } = r.flags() else { continue };
            let kind = match r_type {
                R_BPF_64_64 => "R_BPF_64_64",
                R_BPF_64_32 => "R_BPF_64_32",
                _ => "?",
            };
            let RelocationTarget::Symbol(symbol) = r.target() else { continue };
            let symbol = file.symbol_by_index(symbol)?;
            let name = match symbol.kind() {
                SymbolKind::Section => section_name(file, symbol.section_index()),
                _ => symbol.name()?,
            };
            let imm = data.get(at as usize + 4..at as usize + 8).map_or(0, |b| word(b, 0) as i32);
            line!(out, "  {}+{at}: {kind} {name}, addend {imm}", s.name()?);
        }
    }
    Ok(())
}

/// Everything that has a definition of its own.
fn types(btf: &Btf, out: &mut String) {
    line!(out, "types");
    for id in btf.first()..btf.end() {
        let show = match btf.ty(id) {
            BtfType::Record { name, .. } | BtfType::Enum { name, .. } => !name.is_empty(),
            BtfType::Typedef { .. }
            | BtfType::Forward { .. }
            | BtfType::Function { .. }
            | BtfType::Var { .. } => true,
            _ => false,
        };
        if show {
            for text in definition(btf, id).lines() {
                line!(out, "  {text}");
            }
        }
    }
}

fn word(bytes: &[u8], index: usize) -> u32 {
    match bytes.get(4 * index..4 * index + 4) {
        Some(b) => u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        None => 0,
    }
}

/// The tables of `.BTF.ext`: lines, then CO-RE relocations. Functions are among the
/// types and symbols.
fn tables(btf: &Btf, ext: &[u8], out: &mut String) {
    // The header's words: magic, length, then offset and length of each table.
    let header = word(ext, 1) as usize;
    let table = |n: usize| {
        let (offset, len) = (word(ext, 2 + 2 * n) as usize, word(ext, 3 + 2 * n) as usize);
        ext.get(header + offset..header + offset + len).unwrap_or(&[])
    };
    line!(out, "lines");
    each(btf, table(1), |section, r| {
        let (line, column) = (r[3] >> 10, r[3] & 0x3ff);
        let (file, text) = (btf.string(r[1]), btf.string(r[2]));
        line!(out, "  {section}+{}: {file}:{line}:{column}: {text}", r[0]);
    });
    line!(out, "CO-RE relocations");
    each(btf, table(2), |section, r| {
        const KINDS: [&str; 13] = [
            "offset",
            "size",
            "exists",
            "signed",
            "left shift",
            "right shift",
            "local type id",
            "type id",
            "type exists",
            "type size",
            "enumerator exists",
            "enumerator",
            "type matches",
        ];
        let kind = KINDS.get(r[3] as usize).unwrap_or(&"?");
        let access = btf.string(r[2]);
        let path = path(btf, r[1], access, r[3]);
        line!(out, "  {section}+{}: {kind} of {path} ({access})", r[0]);
    });
}

/// Calls for each record of a table, with its section and first four words.
fn each(btf: &Btf, table: &[u8], mut f: impl FnMut(&str, [u32; 4])) {
    let size = word(table, 0) as usize;
    let mut rest = table.get(4..).unwrap_or(&[]);
    while rest.len() >= 8 && size >= 16 {
        let (section, count) = (word(rest, 0), word(rest, 1) as usize);
        rest = &rest[8..];
        for _ in 0..count {
            let Some(record) = rest.get(..size) else { return };
            f(btf.string(section), [0, 1, 2, 3].map(|n| word(record, n)));
            rest = &rest[size..];
        }
    }
}

/// `task_struct.se.group_node` from a type and an access string.
fn path(btf: &Btf, root: u32, access: &str, kind: u32) -> String {
    let mut text = btf.name(root).to_owned();
    let mut id = btf.resolve(root);
    let mut indices = access.split(':').filter_map(|n| n.parse::<usize>().ok());
    if matches!(btf.kind(id), BtfKind::Enum | BtfKind::Enum64) && kind > 9 {
        let item = indices.next_back().and_then(|i| btf.enumerators(id).get(i).copied());
        return format!("{text}::{}", item.map_or("?", |i| i.0));
    }
    for index in indices.skip(1) {
        let next = match btf.ty(id) {
            BtfType::Array { element, .. } => {
                text.push_str(&format!("[{index}]"));
                element
            }
            _ => match btf.members(id).get(index) {
                Some(m) => {
                    let name = if m.name.is_empty() { "{...}" } else { m.name };
                    text.push_str(&format!(".{name}"));
                    m.ty
                }
                None => break,
            },
        };
        id = btf.resolve(next);
    }
    text
}
