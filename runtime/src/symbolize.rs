//! Addresses to names.
//!
//! In: kernel and user addresses. Out: ``module`symbol+0xoffset``. Kernel symbols are read
//! once when they are first needed; user symbols come from blazesym, which reads a process's
//! maps, ELF files with their debugging information, and what compilers at run time list in
//! /tmp/perf-PID.map. Where nothing is known the address itself is shown.

use crate::demangle::demangled;
use crate::executed::Executed;
use crate::mappings::Mappings;
use crate::process::online_cpus;
use crate::record::{Copied, Frames};
use crate::symbols::Symbols;
use crate::unwind::{Unwinder, Unwound};
use crate::user::binary::Binary;
use blazesym::Pid;
use blazesym::symbolize::source::{Elf, Process, Source};
use blazesym::symbolize::{Input, Symbolizer as Blazesym};
use rustc_hash::FxHashMap;
use std::fmt::Write;
use std::path::PathBuf;
use strand_compiler::manifest::SymbolKind;

/// Whether debugging information is looked at, in the order of the tries. Symbols are quicker
/// and have the names that programs know; without them, functions that are not exported have
/// names there only.
const DEBUG_FILES: [bool; 2] = [false, true];

/// A name for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Kernel module or base name of the object.
    pub module: String,
    /// Symbol and distance from its start, if there is one.
    pub symbol: Option<(String, u64)>,
}

/// Whoever knows names.
pub trait Symbolizer {
    /// A kernel address.
    fn kernel(&mut self, address: u64) -> Option<Named>;
    /// An address in a process.
    fn user(&mut self, tgid: u64, address: u64) -> Option<Named>;
    /// A process that lives now, but may be gone when its addresses are asked for.
    fn note(&mut self, _pid: u32) {}
    /// User addresses will be asked for.
    fn watch(&mut self) {}
    /// Some time has passed.
    fn look(&mut self) {}
    /// The frames of a copied stack, at most as many as there could be by frame pointers, which
    /// gave these; if it can be unwound.
    fn unwind(&mut self, _tgid: u64, _copied: &Copied<'_>, _frames: Frames<'_>) -> Option<Unwound> {
        None
    }
    /// Why a user address has no name, if that is known.
    fn why_none(&mut self, _tgid: u64) -> Option<&'static str> {
        None
    }
}

/// The running system.
pub struct LiveSymbolizer {
    kernel: Option<KernelNames>,
    user: Blazesym,
    known: FxHashMap<(u64, u64), Option<Named>>,
    mappings: Mappings,
    /// None if nothing asks for user addresses.
    executed: Option<Executed>,
    explains: bool,
    unwinder: Unwinder,
    /// Files that were stripped, by the path by which they can be opened, if their symbols are
    /// in a file that is found by the build's id.
    stripped: FxHashMap<String, Option<Binary>>,
}

/// The kernel's functions in order of address; empty if they are hidden.
#[derive(Default)]
struct KernelNames {
    starts: Vec<u64>,
    /// Module and name, one after the other in `text`: where each ends.
    names: Vec<(u32, u32)>,
    text: String,
}

/// Marks of the linker behind all that it has put into the kernel.
const ENDS: [&str; 2] = ["_end", "__brk_limit"];

impl KernelNames {
    fn read() -> Self {
        Symbols::read().map_or_else(|_| Self::default(), |symbols| Self::of(&symbols))
    }

    fn of(symbols: &Symbols) -> Self {
        let mut names = Self::default();
        for (address, module, name) in symbols.sorted() {
            names.starts.push(address);
            names.text.push_str(module.unwrap_or("vmlinux"));
            let end_of_module = names.text.len() as u32;
            names.text.push_str(name);
            names.names.push((end_of_module, names.text.len() as u32));
        }
        names
    }

    fn at(&self, address: u64) -> Option<Named> {
        let i = self.starts.partition_point(|s| *s <= address).checked_sub(1)?;
        let start = i.checked_sub(1).map_or(0, |before| self.names[before].1);
        let (middle, end) = self.names[i];
        // What is behind the end of the kernel proper is no part of its last variable.
        if address > self.starts[i] && ENDS.contains(&&self.text[middle as usize..end as usize]) {
            return None;
        }
        let text = |from: u32, to: u32| self.text[from as usize..to as usize].to_owned();
        Some(Named {
            module: text(start, middle),
            symbol: Some((text(middle, end), address - self.starts[i])),
        })
    }
}

impl std::fmt::Debug for LiveSymbolizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveSymbolizer")
    }
}

impl Default for LiveSymbolizer {
    fn default() -> Self {
        LiveSymbolizer {
            kernel: None,
            // It would take any symbol for a mangled one.
            user: Blazesym::builder().enable_demangling(false).build(),
            known: FxHashMap::default(),
            mappings: Mappings::default(),
            executed: None,
            explains: false,
            unwinder: Unwinder::default(),
            stripped: FxHashMap::default(),
        }
    }
}

impl LiveSymbolizer {
    /// One that says with a frame without a name why it has none. dtrace(1) doesn't.
    pub fn explaining(explains: bool) -> Self {
        LiveSymbolizer { explains, ..LiveSymbolizer::default() }
    }
}

impl Symbolizer for LiveSymbolizer {
    fn kernel(&mut self, address: u64) -> Option<Named> {
        self.kernel.get_or_insert_with(KernelNames::read).at(address)
    }

    fn user(&mut self, tgid: u64, address: u64) -> Option<Named> {
        if let Some(known) = self.known.get(&(tgid, address)) {
            return known.clone();
        }
        let pid = u32::try_from(tgid).ok().filter(|p| *p != 0)?;
        let named = self.find_user(pid, address).or_else(|| {
            self.look();
            self.find_in_file(pid, address)
        });
        let named = match named {
            Some(Named { module, symbol: None }) => {
                Some(Named { module, symbol: self.find_by_build_id(pid, address) })
            }
            named => named,
        };
        // A process that has ended can't be asked again, but a new one may have its id.
        if named.is_some() {
            self.known.insert((tgid, address), named.clone());
        }
        named
    }

    fn note(&mut self, pid: u32) {
        self.mappings.note(pid);
    }

    fn watch(&mut self) {
        // Without it, those that end soon have no names, which is told with each.
        self.executed = Executed::watch(online_cpus()).ok();
    }

    fn look(&mut self) {
        if let Some(executed) = &mut self.executed {
            executed.read(&mut self.mappings);
        }
    }

    fn unwind(&mut self, tgid: u64, copied: &Copied<'_>, frames: Frames<'_>) -> Option<Unwound> {
        let pid = u32::try_from(tgid).ok().filter(|p| *p != 0 && !copied.memory.is_empty())?;
        let (mappings, executed) = (&mut self.mappings, &mut self.executed);
        // What isn't in any file won't be by looking once more.
        let mut looked = false;
        let mut find = |address| {
            if mappings.find(pid, address).is_none() && !std::mem::replace(&mut looked, true) {
                if let Some(executed) = executed.as_mut() {
                    executed.read(mappings);
                }
                if mappings.find(pid, address).is_none() {
                    mappings.note(pid);
                }
            }
            mappings.find(pid, address).cloned()
        };
        let mut unwound = self.unwinder.unwind(pid, copied, frames.room(), &mut find);
        if !unwound.complete {
            unwound.or_longer(frames.iter().collect(), |address| find(address).is_some());
        }
        if !self.explains {
            unwound.why = None;
        }
        Some(unwound)
    }

    fn why_none(&mut self, tgid: u64) -> Option<&'static str> {
        let pid = u32::try_from(tgid).ok().filter(|p| *p != 0 && self.explains)?;
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"));
        Some(match maps {
            Ok(maps) if !maps.is_empty() => "is in no file",
            _ if self.mappings.knows(pid) => "was in no file",
            _ => "the process has ended",
        })
    }
}

impl LiveSymbolizer {
    /// In the files that a process had mapped when it was last looked at.
    fn find_in_file(&mut self, pid: u32, address: u64) -> Option<Named> {
        let mapping = self.mappings.find(pid, address)?;
        let offset = Input::FileOffset(mapping.file_offset(address));
        let symbol = DEBUG_FILES.iter().find_map(|debug_files| {
            let mut file = Elf::new(&mapping.path);
            file.debug_syms = *debug_files;
            self.user.symbolize_single(&Source::Elf(file), offset).ok()?.into_sym()
        });
        Some(Named {
            module: base_name(PathBuf::from(&mapping.path)),
            symbol: symbol.map(|sym| (demangled(&sym.name), sym.offset as u64)),
        })
    }

    /// In the file that has what another one was stripped of.
    fn find_by_build_id(&mut self, pid: u32, address: u64) -> Option<(String, u64)> {
        if self.mappings.find(pid, address).is_none() {
            self.mappings.note(pid);
        }
        let mapping = self.mappings.find(pid, address)?;
        let open =
            mapping.ways(pid).into_iter().find(|way| std::fs::exists(way).unwrap_or(false))?;
        let offset = mapping.file_offset(address);
        let read = |path: &String| Binary::read(path).ok().filter(|b| b.debug.is_some());
        let binary = self.stripped.entry(open.clone()).or_insert_with(|| read(&open)).as_ref()?;
        let at = binary.address_of_code(offset)?;
        let mut file = Elf::new(binary.debug.as_ref()?);
        file.debug_syms = false;
        let source = Source::Elf(file);
        let found = self.user.symbolize_single(&source, Input::VirtOffset(at)).ok()?.into_sym()?;
        Some((demangled(&found.name), found.offset as u64))
    }

    fn find_user(&mut self, pid: u32, address: u64) -> Option<Named> {
        let symbol = DEBUG_FILES.iter().find_map(|debug_files| {
            let mut process = Process::new(Pid::from(pid));
            process.debug_syms = *debug_files;
            let found =
                self.user.symbolize_single(&Source::Process(process), Input::AbsAddr(address));
            found.ok()?.into_sym()
        });
        match symbol {
            Some(sym) => {
                let module = sym.module.as_deref().map(|m| base_name(PathBuf::from(m)));
                Some(Named {
                    module: module.or_else(|| mapped_object(pid, address)).unwrap_or_default(),
                    symbol: Some((demangled(&sym.name), sym.offset as u64)),
                })
            }
            None => mapped_object(pid, address).map(|module| Named { module, symbol: None }),
        }
    }
}

fn base_name(path: PathBuf) -> String {
    path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
}

/// The file that is mapped at an address.
fn mapped_object(pid: u32, address: u64) -> Option<String> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let start = u64::from_str_radix(start, 16).ok()?;
        let end = u64::from_str_radix(end, 16).ok()?;
        let path = rest.split_whitespace().nth(4)?;
        (start <= address && address < end).then(|| base_name(PathBuf::from(path)))
    })
}

/// How an address is written: ``module`symbol+0xoffset``, the offset left out if it is 0
/// or not wanted.
pub fn write_address(out: &mut String, named: Option<&Named>, address: u64, offset: bool) {
    let _ = match named {
        Some(Named { module, symbol: Some((name, distance)) }) => {
            if *distance != 0 && offset {
                write!(out, "{module}`{name}+{distance:#x}")
            } else {
                write!(out, "{module}`{name}")
            }
        }
        Some(Named { module, symbol: None }) => write!(out, "{module}`{address:#x}"),
        None => write!(out, "{address:#x}"),
    };
}

/// A symbol value as `sym`, `func`, `mod` and their user twins show it.
pub fn write_symbol(out: &mut String, named: Option<&Named>, address: u64, kind: SymbolKind) {
    match (kind, named) {
        (SymbolKind::Module, Some(named)) => out.push_str(&named.module),
        (SymbolKind::Address, named) => write_address(out, named, address, true),
        (_, named) => write_address(out, named, address, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_addresses() {
        let text = "\
ffffffff81000000 T do_it
ffffffff81000040 t do_it.cold
ffffffff82000000 D init_task
ffffffff83000000 B _end
ffffffffc0000000 t ext4_do\t[ext4]
ffffffffc0000100 t bpf_prog_12_f\t[bpf]
";
        let names = KernelNames::of(&Symbols::parse(text.to_owned()));
        let shown = |address: u64| {
            let mut out = String::new();
            write_address(&mut out, names.at(address).as_ref(), address, true);
            for kind in [SymbolKind::Symbol, SymbolKind::Module] {
                out.push(' ');
                write_symbol(&mut out, names.at(address).as_ref(), address, kind);
            }
            out
        };
        let all = [
            0xffff_ffff_8100_0000,
            0xffff_ffff_8100_0012,
            0xffff_ffff_8100_0041,
            0xffff_ffff_8200_0008,
            0xffff_ffff_8300_0001,
            0xffff_ffff_c000_0010,
            0xffff_ffff_c000_0101,
            0x1000,
        ];
        let lines: Vec<_> = all.map(shown).into_iter().collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        vmlinux`do_it vmlinux`do_it vmlinux
        vmlinux`do_it+0x12 vmlinux`do_it vmlinux
        vmlinux`do_it.cold+0x1 vmlinux`do_it.cold vmlinux
        vmlinux`init_task+0x8 vmlinux`init_task vmlinux
        0xffffffff83000001 0xffffffff83000001 0xffffffff83000001
        ext4`ext4_do+0x10 ext4`ext4_do ext4
        bpf`bpf_prog_12_f+0x1 bpf`bpf_prog_12_f bpf
        0x1000 0x1000 0x1000
        ");
    }
}
