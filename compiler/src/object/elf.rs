//! The ELF file around code and BTF.
//!
//! In: the parts, all placed. Out: the file's bytes. Decides symbols and relocations,
//! in the forms that clang uses: a map and a variable by their symbols, a subprogram by
//! the symbol of its section with the distance in the instruction (which is where BPF
//! keeps addends).

use super::maps::MapVar;
use super::{
    CONSTANTS, ObjectError, Placement, TEXT, bss_vars, is_elf_relocation, kernel_functions,
};
use crate::bpf::insn::Insn;
use crate::bpf::{Code, Relocation, RelocationTarget};
use crate::ir::{FunctionId, FunctionKind, KernelFunction, Module};
use crate::manifest;
use object::elf::{R_BPF_64_32, R_BPF_64_64, RelocationType};
use object::write::{
    Object, Relocation as ElfRelocation, SectionId, Symbol, SymbolId, SymbolSection,
};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind,
    SymbolScope,
};

/// Helpers that only GPL-compatible programs may call are what tracing is made of.
pub(super) const LICENSE: &[u8] = b"GPL\0";
/// The variable that holds it.
pub(super) const LICENSE_NAME: &str = "_license";

/// What goes into the file.
pub(super) struct Parts<'a> {
    pub module: &'a Module,
    pub code: &'a Code,
    pub placement: &'a Placement,
    pub maps: &'a [MapVar],
    pub btf: &'a [u8],
    pub btf_ext: &'a [u8],
    pub manifest: &'a [u8],
}

/// Symbols that relocations refer to.
#[derive(Default)]
struct Symbols {
    maps: Vec<SymbolId>,
    rodata: Option<SymbolId>,
    bss: Option<SymbolId>,
    text: Option<SymbolId>,
    kernel: Vec<(KernelFunction, SymbolId)>,
}

/// Writes the file.
pub(super) fn write(parts: &Parts) -> Result<Vec<u8>, ObjectError> {
    let mut elf = Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little);
    let code: Vec<SectionId> = parts
        .placement
        .sections
        .iter()
        .map(|name| elf.add_section(Vec::new(), name.as_bytes().to_vec(), SectionKind::Text))
        .collect();
    let mut symbols = data(parts, &mut elf);
    let text = parts.placement.sections.iter().position(|s| s == TEXT);
    symbols.text = text.map(|at| elf.section_symbol(code[at]));
    symbols.kernel =
        kernel_functions(parts.code).into_iter().map(|k| (k, undefined(&mut elf, k))).collect();

    for (index, f) in parts.code.functions.iter().enumerate() {
        let (section, offset) = parts.placement.functions[index];
        let mut insns = f.insns.clone();
        let mut relocations = Vec::new();
        for r in f.relocations.iter().filter(|r| is_elf_relocation(&r.target)) {
            let unknown =
                || ObjectError::UnknownInstruction { function: f.name.clone(), insn: r.insn };
            let insn = insns.get_mut(r.insn as usize).ok_or_else(unknown)?;
            let (symbol, r_type) = relocate(parts, &symbols, r, insn).ok_or_else(|| {
                ObjectError::UnknownTarget { function: f.name.clone(), insn: r.insn }
            })?;
            relocations.push(ElfRelocation {
                offset: u64::from(offset + 8 * r.insn),
                symbol,
                addend: 0,
                flags: RelocationFlags::Elf { r_type },
            });
        }
        let bytes: Vec<u8> = insns.iter().flat_map(|i| i.to_bytes()).collect();
        elf.append_section_data(code[section], &bytes, 8);
        for r in relocations {
            elf.add_relocation(code[section], r)?;
        }
        let scope = match f.kind {
            FunctionKind::Program { .. } => SymbolScope::Dynamic,
            FunctionKind::Subprogram => SymbolScope::Compilation,
        };
        let (offset, size) = (u64::from(offset), bytes.len() as u64);
        symbol(&mut elf, &f.name, SymbolKind::Text, scope, code[section], (offset, size));
    }

    for (name, bytes, align) in [
        (manifest::SECTION, parts.manifest, 1),
        (".BTF", parts.btf, 4),
        (".BTF.ext", parts.btf_ext, 4),
    ] {
        let id = elf.add_section(Vec::new(), name.as_bytes().to_vec(), SectionKind::Other);
        elf.set_section_data(id, bytes, align);
    }
    Ok(elf.write()?)
}

/// Sections of maps and variables with their symbols.
fn data(parts: &Parts, elf: &mut Object) -> Symbols {
    use SymbolScope::{Compilation, Dynamic};
    let add = |elf: &mut Object, name: &str, kind| {
        elf.add_section(Vec::new(), name.as_bytes().to_vec(), kind)
    };
    let mut symbols = Symbols::default();
    if let Some(last) = parts.maps.last() {
        let section = add(elf, ".maps", SectionKind::Data);
        elf.set_section_data(section, vec![0; (last.offset + last.size) as usize], 8);
        for (map, place) in parts.module.maps.iter().zip(parts.maps) {
            let place = (u64::from(place.offset), u64::from(place.size));
            let id = symbol(elf, &map.name, SymbolKind::Data, Dynamic, section, place);
            symbols.maps.push(id);
        }
    }
    if !parts.module.rodata.is_empty() {
        let section = add(elf, ".rodata", SectionKind::ReadOnlyData);
        elf.set_section_data(section, parts.module.rodata.clone(), 8);
        let place = (0, parts.module.rodata.len() as u64);
        symbols.rodata =
            Some(symbol(elf, CONSTANTS, SymbolKind::Data, Compilation, section, place));
    }
    if parts.module.bss > 0 {
        let section = add(elf, ".bss", SectionKind::UninitializedData);
        elf.append_section_bss(section, parts.module.bss.into(), 8);
        for v in bss_vars(parts.module.bss) {
            let place = (v.offset.into(), v.size.into());
            symbol(elf, v.name, SymbolKind::Data, Dynamic, section, place);
        }
        symbols.bss = Some(elf.section_symbol(section));
    }
    let section = add(elf, "license", SectionKind::Data);
    elf.set_section_data(section, LICENSE, 1);
    let place = (0, LICENSE.len() as u64);
    symbol(elf, LICENSE_NAME, SymbolKind::Data, Dynamic, section, place);
    symbols
}

/// A symbol of the kernel's, which it may lack.
fn undefined(elf: &mut Object, function: KernelFunction) -> SymbolId {
    elf.add_symbol(Symbol {
        name: function.name().as_bytes().to_vec(),
        value: 0,
        size: 0,
        kind: SymbolKind::Unknown,
        scope: SymbolScope::Unknown,
        weak: true,
        section: SymbolSection::Undefined,
        flags: SymbolFlags::None,
    })
}

fn symbol(
    elf: &mut Object,
    name: &str,
    kind: SymbolKind,
    scope: SymbolScope,
    section: SectionId,
    (value, size): (u64, u64),
) -> SymbolId {
    elf.add_symbol(Symbol {
        name: name.as_bytes().to_vec(),
        value,
        size,
        kind,
        scope,
        weak: false,
        section: SymbolSection::Section(section),
        flags: SymbolFlags::None,
    })
}

/// Writes the addend into the instruction, and gives the symbol and type of the
/// relocation; `None` if there is no such target.
fn relocate(
    parts: &Parts,
    symbols: &Symbols,
    relocation: &Relocation,
    insn: &mut Insn,
) -> Option<(SymbolId, RelocationType)> {
    /// Says of a call that its distance is that of another BPF function.
    const BPF_PSEUDO_CALL: u8 = 1;
    let place = |id: FunctionId| {
        let function = parts.code.functions.get(id.index())?;
        let (_, offset) = parts.placement.functions[id.index()];
        matches!(function.kind, FunctionKind::Subprogram).then_some(offset as i32)
    };
    let kernel = |k| symbols.kernel.iter().find(|(known, _)| *known == k).map(|(_, id)| *id);
    // What kind of address it is, the loader finds out from the symbol.
    insn.src = 0;
    Some(match relocation.target {
        RelocationTarget::Map(id) => {
            insn.imm = 0;
            (*symbols.maps.get(id.index())?, R_BPF_64_64)
        }
        RelocationTarget::Rodata(offset) => {
            insn.imm = offset as i32;
            (symbols.rodata?, R_BPF_64_64)
        }
        RelocationTarget::Bss(offset) => {
            insn.imm = offset as i32;
            (symbols.bss?, R_BPF_64_64)
        }
        RelocationTarget::FunctionAddress(id) => {
            insn.imm = place(id)?;
            (symbols.text?, R_BPF_64_64)
        }
        RelocationTarget::Call(id) => {
            insn.src = BPF_PSEUDO_CALL;
            // Counted in instructions, from the one after the call.
            insn.imm = place(id)? / 8 - 1;
            (symbols.text?, R_BPF_64_32)
        }
        RelocationTarget::KernelAddress(k) => {
            insn.imm = 0;
            (kernel(k)?, R_BPF_64_64)
        }
        RelocationTarget::KernelCall(k) => {
            insn.src = BPF_PSEUDO_CALL;
            insn.imm = -1;
            (kernel(k)?, R_BPF_64_32)
        }
        RelocationTarget::Field(..) => return None,
    })
}
