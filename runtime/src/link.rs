//! `-G`: the step between compiling a program's files and linking them, which DTrace needs.
//!
//! In: `provider` declarations, and object files. Out: one more object file, as build systems
//! expect it; there is nothing in it, since what was compiled with a header of `-h` has its
//! probes already. Decides whether that is so: a file that was compiled with another header, or
//! none that has a probe of these providers, is an error here instead of a silent tracer later.

use crate::cli::{Invocation, ProgramText};
use crate::error::Error;
use crate::kernel::LiveKernel;
use crate::options::Options;
use crate::program;
use crate::user::marker;
use object::read::elf::ElfFile64;
use object::write;
use object::{
    Architecture, BinaryFormat, Endianness, Object, ObjectSymbol, SectionFlags, SectionKind, elf,
};
use std::path::{Path, PathBuf};
use strand_grammar::ast::Item;

/// How the functions begin that a header of DTrace's calls, for `-G` to replace.
const CALLS: [&str; 2] = ["__dtrace_", "__dtraceenabled_"];

/// Checks the object files, which are an invocation's operands, and writes another.
pub fn link(invocation: &Invocation, options: &mut Options) -> Result<u8, Error> {
    let files: Vec<PathBuf> = invocation.args.iter().map(PathBuf::from).collect();
    let invocation = &Invocation { args: Vec::new(), ..invocation.clone() };
    if invocation.programs.is_empty() {
        return Err(Error::Usage("-G requires one or more scripts or enabling options".into()));
    }
    let kernel = LiveKernel::new();
    let mut parsed = program::parse(invocation, options, &kernel, 0)?;
    parsed.compile(invocation, options, &kernel)?;
    let providers: Vec<&str> = parsed.program.items.iter().filter_map(provider).collect();
    let mut sites = false;
    for path in &files {
        sites |= has_probes(path, &providers)?;
    }
    if !files.is_empty() && !providers.is_empty() && !sites {
        let s = if files.len() == 1 { "it" } else { "them" };
        return Err(Error::Link(format!(
            "No probe sites found for declared provider: none of {} is in {}; does {s} include the \
             header that -h made?",
            providers.join(", "),
            list(&files)
        )));
    }
    let path = output(invocation);
    std::fs::write(&path, empty()?).map_err(|source| Error::Write { path, source })?;
    Ok(0)
}

fn list(files: &[PathBuf]) -> String {
    files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn provider(item: &Item) -> Option<&str> {
    match item {
        Item::Provider(provider) => Some(&provider.name.name),
        _ => None,
    }
}

/// Whether an object file has probes of these providers, or asks whether they are traced.
fn has_probes(path: &Path, providers: &[&str]) -> Result<bool, Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(read)?;
    let Ok(file) = ElfFile64::<Endianness>::parse(&*bytes) else {
        return Err(Error::Link(format!("{} is no object file of this machine", path.display())));
    };
    let undefined = file.symbols().filter(|s| s.is_undefined()).filter_map(|s| s.name().ok());
    let mut others = undefined.filter(|name| CALLS.iter().any(|call| name.starts_with(call)));
    if let Some(name) = others.next() {
        return Err(Error::Link(format!(
            "{} calls {name}(), as it was compiled with another header than that of this dtrace -h: \
             compile it again with that",
            path.display()
        )));
    }
    let asks = |name: &str| {
        let ours = |p: &&str| name.strip_prefix(*p).is_some_and(|rest| rest.starts_with('_'));
        name.ends_with("_semaphore") && providers.iter().any(ours)
    };
    let fires = marker::names(&path.to_string_lossy());
    Ok(fires.iter().any(|(provider, _)| providers.contains(&provider.as_str()))
        || file.symbols().filter_map(|s| s.name().ok()).any(asks))
}

/// Where the object goes: `-o`, or the script's name with another ending in this folder.
fn output(invocation: &Invocation) -> PathBuf {
    match (&invocation.output, invocation.programs.as_slice()) {
        (Some(path), _) => path.clone(),
        (None, [ProgramText::Script(script)]) if script.extension().is_some_and(|e| e == "d") => {
            Path::new(script.file_stem().unwrap_or_default()).with_extension("o")
        }
        (None, _) => PathBuf::from("d.out"),
    }
}

/// An object file without code or data.
fn empty() -> Result<Vec<u8>, Error> {
    let architecture = match std::env::consts::ARCH {
        "aarch64" => Architecture::Aarch64,
        _ => Architecture::X86_64,
    };
    let mut object =
        write::Object::new(BinaryFormat::Elf, architecture, object::Endianness::Little);
    // Linkers take its absence as a wish for a stack that can be executed.
    let name = b".note.GNU-stack".to_vec();
    let section = object.add_section(Vec::new(), name, SectionKind::Other);
    object.section_mut(section).flags =
        SectionFlags::Elf { sh_type: elf::SHT_PROGBITS, sh_flags: elf::SectionFlags(0) };
    object.write().map_err(|e| Error::Link(e.to_string()))
}
