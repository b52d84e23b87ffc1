//! Writes the object: a relocatable BPF ELF as clang would make it.
//!
//! In: a [`Module`] with its maps and kernel fields, its [`Code`], the [`Manifest`], and
//! the kernel compiled against for the types behind the fields. Out: the bytes of an
//! ELF file that libbpf loads, and that bpftool, llvm-objdump and aya read. Decides
//! where functions lie in sections, what BTF describes them and the maps, and which
//! relocations a loader applies; it loads nothing and changes no instruction but the
//! parts that relocations are to fill.
//!
//! Layout of the file
//! - a section for each section name of a program (several may share one), `.text` for
//!   all subprograms;
//! - `.maps`, `.rodata`, `.bss` (the last two only if in use), `license`;
//! - [`manifest::SECTION`](crate::manifest::SECTION): the manifest as JSON;
//! - `.BTF`: types of maps, data and functions, and the local copies of kernel types;
//! - `.BTF.ext`: which function is where, which D line an instruction came from, and
//!   the CO-RE relocations.
//!
//! Subprograms are local symbols with static BTF: so the verifier checks each in the
//! context of its callers, instead of once for all possible arguments.

mod debug;
mod dump;
mod elf;
mod expected;
mod fields;
mod maps;
#[cfg(test)]
mod tests;

pub use dump::{DumpError, dump};

use crate::bpf::{Code, FunctionCode, Relocation, RelocationTarget};
use crate::btf::write::{BtfBuilder, IntEncoding, Linkage, NewType};
use crate::ir::{FieldInfo, FunctionKind, KernelFunction, Module};
use crate::kernel::Kernel;
use crate::manifest::{BSS_START, Manifest, STATE_OFFSET, THREAD_COUNT_OFFSET, WALL_CLOCK_OFFSET};
use strand_grammar::source::Sources;

/// Why no object can be written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// A relocation refers to a field that the module doesn't have.
    #[error("kernel field {0} is not in the module")]
    UnknownField(u32),
    /// A relocation refers to a map or function that the module doesn't have.
    #[error(
        "function `{function}`, instruction {insn}: the relocation's target is not in the module"
    )]
    UnknownTarget {
        /// The function.
        function: String,
        /// Index of the instruction.
        insn: u32,
    },
    /// A relocation is outside of its function.
    #[error("function `{function}` has no instruction {insn} to relocate")]
    UnknownInstruction {
        /// The function.
        function: String,
        /// Index of the instruction.
        insn: u32,
    },
    /// A field's path doesn't lead through the type.
    #[error("the path of `{0}` does not fit the type that it starts from")]
    BadPath(String),
    /// The kernel has no types for a field.
    #[error("`{field}` can't be relocated: {module} has no BTF")]
    NoBtf {
        /// The field.
        field: String,
        /// The module.
        module: String,
    },
    /// An instruction doesn't hold what the field is on the kernel compiled against.
    #[error(
        "function `{function}`, instruction {insn}: holds {held:?} where `{field}` is {expected:?} ({info:?})"
    )]
    WrongValue {
        /// The function.
        function: String,
        /// Index of the instruction.
        insn: u32,
        /// The field.
        field: String,
        /// What is asked of it.
        info: FieldInfo,
        /// In the instruction, if it is of a kind that can be patched.
        held: Option<i64>,
        /// By the kernel's types, if they answer.
        expected: Option<i64>,
    },
    /// A map's key or value is laid out impossibly.
    #[error("map `{map}`: `{field}` does not fit its layout")]
    BadLayout {
        /// The map.
        map: String,
        /// The part.
        field: String,
    },
    /// The manifest can't be written as JSON.
    #[error("the manifest can't be encoded")]
    Manifest(#[from] serde_json::Error),
    /// The ELF writer refuses.
    #[error("the ELF file can't be written: {0}")]
    Elf(#[from] object::write::Error),
}

/// An object file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The ELF file.
    pub elf: Vec<u8>,
    /// Kernel fields that CO-RE can't find in another kernel: the object is right on the
    /// kernel compiled against, and elsewhere only by luck. Sorted.
    pub fixed: Vec<String>,
}

/// Where an object is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// On the kernel compiled against: what instructions hold is right. To look for fields by
    /// name takes the loader a millisecond for each type.
    ThisKernel,
    /// On others, too: with CO-RE relocations.
    AnyKernel,
}

impl Target {
    /// What of a function the loader has to fill in.
    fn relocated(self, function: &FunctionCode) -> &[Relocation] {
        match self {
            Target::ThisKernel => &[],
            Target::AnyKernel => &function.relocations,
        }
    }
}

/// Writes the object file.
pub fn write(
    module: &Module,
    code: &Code,
    manifest: &Manifest,
    kernel: &dyn Kernel,
    sources: &Sources,
    target: Target,
) -> Result<Object, ObjectError> {
    let mut btf = BtfBuilder::new();
    let maps = maps::describe(&module.maps, &mut btf)?;
    let placement = Placement::of(code);
    let functions = functions(code, &mut btf);
    data_sections(module, &maps, &mut btf);
    kernel_section(code, &mut btf);
    let ext = debug::Info { module, code, placement: &placement, functions: &functions };
    let (ext, fixed) = ext.write(kernel, sources, &mut btf, target)?;
    let manifest = serde_json::to_vec(manifest)?;
    let elf = elf::write(&elf::Parts {
        module,
        code,
        placement: &placement,
        maps: &maps,
        btf: &btf.finish(),
        btf_ext: &ext,
        manifest: &manifest,
    })?;
    Ok(Object { elf, fixed: fixed.into_iter().collect() })
}

/// Name of the section of subprograms.
const TEXT: &str = ".text";

/// Where each function lies.
struct Placement {
    /// Names of the sections with code, in order of their first function.
    sections: Vec<String>,
    /// For each function: index into `sections`, byte offset there.
    functions: Vec<(usize, u32)>,
}

impl Placement {
    fn of(code: &Code) -> Self {
        let mut sections: Vec<String> = Vec::new();
        let mut index = rustc_hash::FxHashMap::default();
        let mut ends: Vec<u32> = Vec::new();
        let mut functions = Vec::new();
        for f in &code.functions {
            let name = match &f.kind {
                FunctionKind::Program { section } => section.as_str(),
                FunctionKind::Subprogram => TEXT,
            };
            let at = *index.entry(name).or_insert_with(|| {
                sections.push(name.to_owned());
                ends.push(0);
                sections.len() - 1
            });
            functions.push((at, ends[at]));
            ends[at] += 8 * f.insns.len() as u32;
        }
        Placement { sections, functions }
    }

    /// Indices of the functions in a section, in order.
    fn inside(&self, section: usize) -> impl Iterator<Item = usize> {
        let all = self.functions.iter().enumerate();
        all.filter(move |(_, (s, _))| *s == section).map(|(i, _)| i)
    }
}

/// The BTF type of every function.
fn functions(code: &Code, btf: &mut BtfBuilder) -> Vec<u32> {
    let int = btf.int();
    let word = maps::int(8, true, btf);
    let unsigned = maps::int(8, false, btf);
    // The type that libbpf's own macros give a context.
    let context = btf.add(NewType::Pointer(unsigned));
    let mut describe = |f: &crate::bpf::FunctionCode| {
        let (ret, params, linkage) = match f.kind {
            FunctionKind::Program { .. } => (int, vec![("ctx", context)], Linkage::Global),
            FunctionKind::Subprogram => {
                let names = ["a", "b", "c", "d", "e"];
                let params = names.iter().take(f.params).map(|n| (*n, word)).collect();
                (word, params, Linkage::Static)
            }
        };
        let proto = btf.add(NewType::FunctionProto { ret, params: &params });
        btf.add(NewType::Function { name: &f.name, proto, linkage })
    };
    code.functions.iter().map(&mut describe).collect()
}

/// A variable of `.bss`.
struct BssVar {
    name: &'static str,
    offset: u32,
    size: u32,
    /// An integer, of this signedness; else bytes.
    signed: Option<bool>,
}

/// The variables of a `.bss` of this size: the words that the runtime shares with all
/// programs, as far as there is room, and the program's own variables as one.
fn bss_vars(size: u32) -> Vec<BssVar> {
    let word = |name, offset, size, signed| BssVar { name, offset, size, signed: Some(signed) };
    let mut vars = vec![
        word("strand_state", STATE_OFFSET, 4, false),
        word("strand_wall_clock", WALL_CLOCK_OFFSET, 8, true),
        word("strand_threads", THREAD_COUNT_OFFSET, 8, false),
    ];
    vars.retain(|v| v.offset + v.size <= size);
    if size > BSS_START {
        let (offset, size) = (BSS_START, size - BSS_START);
        vars.push(BssVar { name: "strand_globals", offset, size, signed: None });
    }
    vars
}

/// All of `.rodata`.
const CONSTANTS: &str = "strand_constants";

/// Sections of variables. Those of `.bss` are global, which makes libbpf map the section
/// into user space.
fn data_sections(module: &Module, maps: &[maps::MapVar], btf: &mut BtfBuilder) {
    let byte = maps::int(1, false, btf);
    let section = |name: &str, size, vars: &[(u32, u32, u32)], btf: &mut BtfBuilder| {
        if size > 0 {
            btf.add(NewType::DataSection { name, size, vars });
        }
    };
    let vars: Vec<_> = maps.iter().map(|m| (m.var, m.offset, m.size)).collect();
    section(".maps", maps.last().map_or(0, |m| m.offset + m.size), &vars, btf);

    let constants = module.rodata.len() as u32;
    if constants > 0 {
        let bytes = btf.add(NewType::Array { element: byte, len: constants });
        let to = crate::btf::BtfKind::Const;
        let ty = btf.add(NewType::Qualifier { kind: to, name: "", to: bytes });
        let var = btf.add(NewType::Var { name: CONSTANTS, ty, linkage: Linkage::Static });
        section(".rodata", constants, &[(var, 0, constants)], btf);
    }

    let vars: Vec<_> = bss_vars(module.bss)
        .iter()
        .map(|v| {
            let ty = match v.signed {
                Some(signed) => maps::int(v.size as u8, signed, btf),
                None => btf.add(NewType::Array { element: byte, len: v.size }),
            };
            let var = btf.add(NewType::Var { name: v.name, ty, linkage: Linkage::Global });
            (var, v.offset, v.size)
        })
        .collect();
    section(".bss", module.bss, &vars, btf);

    let char = NewType::Int { name: "char", size: 1, encoding: IntEncoding::Signed };
    let char = btf.add(char);
    let size = elf::LICENSE.len() as u32;
    let ty = btf.add(NewType::Array { element: char, len: size });
    let var = btf.add(NewType::Var { name: elf::LICENSE_NAME, ty, linkage: Linkage::Global });
    section("license", size, &[(var, 0, size)], btf);
}

/// The kernel's functions that code calls or asks for, each once.
fn kernel_functions(code: &Code) -> Vec<KernelFunction> {
    let relocations = code.functions.iter().flat_map(|f| &f.relocations);
    let mut used = Vec::new();
    for r in relocations {
        let (RelocationTarget::KernelAddress(k) | RelocationTarget::KernelCall(k)) = r.target
        else {
            continue;
        };
        if !used.contains(&k) {
            used.push(k);
        }
    }
    used
}

/// The section that tells a loader what is the kernel's, and of which type.
fn kernel_section(code: &Code, btf: &mut BtfBuilder) {
    let used = kernel_functions(code);
    if used.is_empty() {
        return;
    }
    let proto = btf.add(NewType::FunctionProto { ret: 0, params: &[] });
    let mut function = |k: KernelFunction| {
        let linkage = Linkage::Extern;
        (btf.add(NewType::Function { name: k.name(), proto, linkage }), 0, 0)
    };
    let vars: Vec<_> = used.into_iter().map(&mut function).collect();
    btf.add(NewType::DataSection { name: ".ksyms", size: 0, vars: &vars });
}

/// The relocations of a function that are not CO-RE's.
fn is_elf_relocation(target: &RelocationTarget) -> bool {
    !matches!(target, RelocationTarget::Field(..))
}
