//! What can be traced in a program or library: its functions, its markers.
//!
//! In: an ELF file. Out: functions by name and by address, markers, and where in the file
//! an address is. Names come from the symbol table, or of a stripped file from what it
//! exports and from its debug file if the system has that. Only the parts that are needed
//! are read, so a large file costs no more than its symbols.

use super::argument::Machine;
use super::marker::{self, Marker};
use object::elf;
use object::read::elf::{ElfFile64, ProgramHeader, Sym};
use object::{Endianness, Object, ObjectSection, ReadCache};
use rustc_hash::FxHashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use strand_compiler::kernel::glob_match;

/// Why nothing in a file can be traced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// It can't be read.
    #[error("{path} can't be read: {why}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// It is no program or library.
    #[error("{0} is neither a program nor a library")]
    NoElf(String),
    /// It is one that we can't trace.
    #[error("{0} is a 32-bit program, and only 64-bit programs can be traced")]
    Narrow(String),
    /// It is for another machine.
    #[error("{0} is for another kind of processor")]
    Foreign(String),
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The best of its names.
    pub name: String,
    /// As linked.
    pub address: u64,
    /// Bytes; 0 if it doesn't say.
    pub size: u64,
    /// It is chosen when the program is loaded: what is here runs once, to choose it.
    pub indirect: bool,
}

/// A loaded part of the file.
#[derive(Clone, Copy, Debug)]
struct Segment {
    address: u64,
    offset: u64,
    size: u64,
    executable: bool,
}

/// A program or library.
#[derive(Debug)]
pub struct Binary {
    path: String,
    file: File,
    segments: Vec<Segment>,
    /// In order of address, one for each.
    functions: Vec<Function>,
    /// All names of functions, with indices; in order.
    names: Vec<(String, u32)>,
    /// Indices into `names`.
    by_name: FxHashMap<String, Vec<u32>>,
    /// Addresses of data, by name.
    data: FxHashMap<String, u64>,
    /// Its first instruction, as linked.
    pub entry: u64,
    /// Markers in order of address.
    pub markers: Vec<Marker>,
    /// It was stripped of its symbol table, and nothing makes up for that.
    pub stripped: bool,
    /// Where what it was stripped of is.
    pub debug: Option<String>,
    /// It carries compressed symbols, which aren't read.
    pub compressed_symbols: bool,
    /// It was written in Go.
    pub is_go: bool,
}

type Elf<'d> = ElfFile64<'d, Endianness, &'d ReadCache<File>>;

type Symbol = elf::Sym64<Endianness>;

/// All symbols that have a name and a place, and whether they are in the dynamic linker's
/// table. A table's names are read at once, as there may be a hundred thousand.
fn symbols<'d>(elf: &Elf<'d>) -> impl Iterator<Item = (&'d str, &'d Symbol, bool)> {
    let endian = elf.endian();
    let tables = [(elf.elf_symbol_table(), false), (elf.elf_dynamic_symbol_table(), true)];
    tables.into_iter().flat_map(move |(table, dynamic)| {
        let names = elf.section_by_index(table.string_section());
        let names = names.and_then(|section| section.data()).unwrap_or_default();
        table.symbols().iter().filter_map(move |symbol| {
            let name = names.get(symbol.st_name(endian) as usize..)?;
            let name = name.split(|byte| *byte == 0).next()?;
            let undefined = symbol.st_shndx(endian) == elf::SHN_UNDEF;
            let name =
                std::str::from_utf8(name).ok().filter(|name| !name.is_empty() && !undefined)?;
            Some((name, symbol, dynamic))
        })
    })
}

impl Binary {
    /// Reads a file.
    pub fn read(path: &str) -> Result<Binary, BinaryError> {
        let failed = |e: std::io::Error| {
            let why = crate::error::plain(&e);
            BinaryError::Read { path: path.to_owned(), why }
        };
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(BinaryError::NoElf(path.to_owned()));
        }
        let cache = ReadCache::new(file.try_clone().map_err(failed)?);
        let elf = match object::FileKind::parse(&cache) {
            Ok(object::FileKind::Elf64) => Elf::parse(&cache),
            Ok(object::FileKind::Elf32) => return Err(BinaryError::Narrow(path.to_owned())),
            _ => return Err(BinaryError::NoElf(path.to_owned())),
        };
        let elf = elf.map_err(|_| BinaryError::NoElf(path.to_owned()))?;
        let machine = Machine::of(elf.architecture());
        let machine = machine.ok_or_else(|| BinaryError::Foreign(path.to_owned()))?;
        let endian = elf.endian();
        let segments = elf.elf_program_headers().iter();
        let segments = segments.filter(|p| p.p_type(endian) == elf::PT_LOAD).map(|p| Segment {
            address: p.p_vaddr(endian),
            offset: p.p_offset(endian),
            size: p.p_filesz(endian),
            executable: p.p_flags(endian).0 & elf::PF_X.0 != 0,
        });
        let mut binary = Binary {
            path: path.to_owned(),
            file,
            segments: segments.collect(),
            functions: Vec::new(),
            names: Vec::new(),
            by_name: FxHashMap::default(),
            data: FxHashMap::default(),
            entry: elf.entry(),
            markers: Vec::new(),
            stripped: false,
            debug: None,
            compressed_symbols: elf.section_by_name(".gnu_debugdata").is_some(),
            is_go: elf.section_by_name(".gopclntab").is_some(),
        };
        let mut found: Vec<(Function, Rank)> = Vec::new();
        let mut data: FxHashMap<String, u64> = FxHashMap::default();
        let marked = elf.section_by_name(marker::SECTION).is_some();
        for (name, symbol, dynamic) in symbols(&elf) {
            // Only markers refer to data that isn't exported.
            if (marked || dynamic) && matches!(symbol.st_type(), elf::STT_OBJECT | elf::STT_NOTYPE)
            {
                data.entry(name.to_owned()).or_insert(symbol.st_value(endian));
            }
            found.extend(binary.function_of(name, symbol, endian));
        }
        if elf.symbol_table().is_none() {
            binary.stripped = !binary.debug_file(&elf, &mut found);
        }
        binary.index(found);
        binary.data = data;
        binary.markers = marker::read(&elf, machine, &binary);
        Ok(binary)
    }

    /// The function that a symbol is of.
    fn function_of(
        &self,
        name: &str,
        symbol: &Symbol,
        endian: Endianness,
    ) -> Option<(Function, Rank)> {
        let kind = symbol.st_type();
        let indirect = kind == elf::STT_GNU_IFUNC;
        let (address, size) = (symbol.st_value(endian), symbol.st_size(endian));
        if kind != elf::STT_FUNC && !indirect || self.offset_of_code(address).is_none() {
            return None;
        }
        let rank = Rank::of(name, size, symbol.st_bind() == elf::STB_LOCAL);
        Some((Function { name: name.to_owned(), address, size, indirect }, rank))
    }

    /// Symbols from the debug file of a stripped one; whether there is such a file.
    fn debug_file(&mut self, elf: &Elf<'_>, found: &mut Vec<(Function, Rank)>) -> bool {
        let Ok(Some(id)) = elf.build_id() else { return false };
        let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
        let Some((first, rest)) = hex.split_at_checked(2) else { return false };
        // Where the file is looked at through a process, its debug file is there too.
        let of_process = self.path.strip_prefix("/proc/").and_then(|p| p.split_once('/'));
        let root = match of_process {
            Some((pid, way)) if way.starts_with("root/") || way.starts_with("map_files/") => {
                format!("/proc/{pid}/root")
            }
            _ => String::new(),
        };
        let path = format!("{root}/usr/lib/debug/.build-id/{first}/{rest}.debug");
        let Ok(file) = File::open(&path) else { return false };
        self.debug = Some(path);
        let cache = ReadCache::new(file);
        let Ok(debug) = Elf::parse(&cache) else { return false };
        let endian = debug.endian();
        let symbols = symbols(&debug);
        found
            .extend(symbols.filter_map(|(name, symbol, _)| self.function_of(name, symbol, endian)));
        true
    }

    /// Sorts what was found: one function for each address, under the best of its names.
    fn index(&mut self, mut found: Vec<(Function, Rank)>) {
        found.sort_by(|(a, x), (b, y)| (a.address, x, &a.name).cmp(&(b.address, y, &b.name)));
        found.dedup_by(|(a, _), (b, _)| a.address == b.address && a.name == b.name);
        for (function, _) in found {
            let same = self.functions.last_mut().filter(|f| f.address == function.address);
            match same {
                // What has no size may have it under another name.
                Some(known) => known.size = known.size.max(function.size),
                None => self.functions.push(function.clone()),
            }
            let index = self.functions.len() as u32 - 1;
            let number = self.names.len() as u32;
            self.by_name.entry(function.name.clone()).or_default().push(number);
            self.names.push((function.name, index));
        }
    }

    /// The functions that a glob or a name matches, each once, in order of address. Names
    /// that the compiler made up (`name.part.0`) have to be asked for.
    pub fn functions(&self, pattern: &str) -> Vec<&Function> {
        let mut indices: Vec<u32> = if crate::probe::is_exact(pattern) {
            let numbers = self.by_name.get(pattern).map_or(&[][..], Vec::as_slice);
            numbers.iter().map(|n| self.names[*n as usize].1).collect()
        } else {
            let made_up = pattern.contains('.');
            let wanted =
                |name: &str| (made_up || !name.contains(['.', '@'])) && glob_match(pattern, name);
            self.names.iter().filter(|(name, _)| wanted(name)).map(|(_, index)| *index).collect()
        };
        indices.sort_unstable();
        indices.dedup();
        indices.into_iter().map(|i| &self.functions[i as usize]).collect()
    }

    /// The function that an address is in.
    pub fn function_at(&self, address: u64) -> Option<&Function> {
        let i = self.functions.partition_point(|f| f.address <= address).checked_sub(1)?;
        let function = &self.functions[i];
        (address - function.address < function.size.max(1)).then_some(function)
    }

    /// Where a variable is, as linked.
    pub fn variable(&self, name: &str) -> Option<u64> {
        self.data.get(name).copied()
    }

    /// All names of functions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// Where in the file an instruction is.
    pub fn offset_of_code(&self, address: u64) -> Option<u64> {
        self.offset(address, true)
    }

    /// The address, as linked, of what is at a place in the file.
    pub fn address_of_code(&self, offset: u64) -> Option<u64> {
        let inside = |s: &&Segment| s.executable && (s.offset..s.offset + s.size).contains(&offset);
        self.segments.iter().find(inside).map(|s| offset - s.offset + s.address)
    }

    /// Where in the file something that is loaded is.
    pub fn offset_of_data(&self, address: u64) -> Option<u64> {
        self.offset(address, false)
    }

    fn offset(&self, address: u64, executable: bool) -> Option<u64> {
        let inside = |s: &&Segment| {
            address >= s.address && address - s.address < s.size && (s.executable || !executable)
        };
        self.segments.iter().find(inside).map(|s| address - s.address + s.offset)
    }

    /// The bytes of a function.
    pub fn code(&self, function: &Function) -> Option<Vec<u8>> {
        let offset = self.offset_of_code(function.address)?;
        let mut bytes = vec![0; usize::try_from(function.size).ok()?];
        self.file.read_exact_at(&mut bytes, offset).ok()?;
        Some(bytes)
    }

    /// The bytes that its first instruction is among.
    pub fn beginning(&self, function: &Function) -> Vec<u8> {
        const LONGEST: u64 = 15;
        let size = function.size.min(LONGEST);
        self.code(&Function { size, ..function.clone() }).unwrap_or_default()
    }

    /// Why there may be no name for what surely is in it, if there is a reason.
    pub fn why_nameless(&self) -> Option<String> {
        let what = match (self.stripped, self.names.is_empty()) {
            (false, _) => return None,
            (true, true) => "it was stripped of its symbols",
            (true, false) => "it was stripped of its symbols but for those that it exports",
        };
        let compressed = match self.compressed_symbols {
            true => ", and those in its .gnu_debugdata aren't read",
            false => "",
        };
        Some(format!("{what}{compressed}; its debug symbols, once installed, are found"))
    }
}

/// Which of several names of one function is the best: the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    local: bool,
    made_up: bool,
    underscores: usize,
    without_size: bool,
    length: usize,
}

impl Rank {
    fn of(name: &str, size: u64, local: bool) -> Rank {
        Rank {
            local,
            made_up: name.contains(['.', '@', '$']),
            underscores: name.len() - name.trim_start_matches('_').len(),
            without_size: size == 0,
            length: name.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our own test program has symbols, and is a file like any other.
    fn this() -> Binary {
        let path = std::env::current_exe().expect("a path");
        Binary::read(&path.to_string_lossy()).expect("an ELF file")
    }

    #[test]
    fn functions_have_names_and_places() {
        let binary = this();
        let main = binary.functions("main");
        assert_eq!(main.len(), 1);
        assert_eq!(binary.function_at(main[0].address + 1), Some(main[0]));
        let code = binary.code(main[0]).expect("code");
        assert_eq!(code.len() as u64, main[0].size);
        assert!(binary.offset_of_code(main[0].address).is_some());
        assert!(binary.functions("mai[n]").contains(&main[0]));
        assert!(binary.functions("no such function").is_empty());
        assert!(!binary.stripped);
    }

    #[test]
    fn the_best_of_several_names() {
        let mut binary = this();
        (binary.functions, binary.names) = (Vec::new(), Vec::new());
        binary.by_name.clear();
        let function = |name: &str, address, size, local| {
            let name = name.to_owned();
            let rank = Rank::of(&name, size, local);
            (Function { name, address, size, indirect: false }, rank)
        };
        binary.index(vec![
            function("__open", 16, 32, false),
            function("open64", 16, 32, false),
            function("open", 16, 32, false),
            function("op", 16, 0, true),
            function("late.part.0", 48, 8, true),
            function("_go", 64, 8, false),
            function("go", 64, 8, true),
        ]);
        let names = |pattern: &str| -> Vec<String> {
            binary.functions(pattern).iter().map(|f| f.name.clone()).collect()
        };
        assert_eq!(names("__open"), ["open"]);
        assert_eq!(names("*"), ["open", "_go"]);
        assert_eq!(names("*.part.*"), ["late.part.0"]);
        assert_eq!(names("go"), ["_go"]);
    }

    #[test]
    fn what_is_no_program() {
        let error = |path: &str| Binary::read(path).map(|_| ()).unwrap_err().to_string();
        assert_eq!(error("/dev/null"), "/dev/null is neither a program nor a library");
        assert_eq!(error("/etc/passwd"), "/etc/passwd is neither a program nor a library");
        assert!(error("/no/such/file").starts_with("/no/such/file can't be read: "));
    }
}
