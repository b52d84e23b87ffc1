//! Programs that were built: run without their source, and without the compiler.
//!
//! In: an object with its manifest, alone in a file or behind an executable; arguments. Out:
//! what the script prints, and an exit status. Decides how arguments are read, what `--help`
//! says, and the values of macros, which are written to the object's read-only data.
//!
//! An executable ends with the object, then [`Trailer`]: a mark and the object's size.

mod arguments;

use crate::cli::{Invocation, Task};
use crate::error::Error;
use crate::kernel::types_by_module;
use crate::load::KnownTypes;
use crate::options::{Options, Phase, described};
use crate::process::Targets;
use crate::symbols::Symbols;
use crate::{load, preflight, process, session};
use arguments::Asked;
use object::{Object, ObjectSection};
use std::cell::OnceCell;
use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use strand_compiler::manifest::{self, Macro, Manifest, Script};
use strand_grammar::literal;

/// What an executable ends with, before eight bytes of the object's size.
const MARK: &[u8; 8] = b"STRAND\x1a\x01";

/// Bytes of the mark and the size.
const TRAILER: usize = 16;

/// Options whose values are in the object; those that only say how it is compiled are too.
const BUILT_IN: [&str; 13] = [
    "aggsize",
    "dynvarsize",
    "loopmax",
    "maxframes",
    "nspec",
    "pcapsize",
    "printsize",
    "scratchsize",
    "specsize",
    "stackframes",
    "strsize",
    "ustackcopy",
    "ustackframes",
];

/// How an executable that was called by this path names itself.
pub fn called(path: &str) -> &'static str {
    let name = Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned());
    match name.as_deref() {
        // It isn't that program, and doesn't speak like it.
        None | Some("" | "dtrace") => "strand",
        // Once for a process.
        Some(name) => Box::leak(name.to_owned().into_boxed_str()),
    }
}

/// Runs the object behind the executable of this process.
pub fn run_self(name: &'static str, args: Vec<String>) -> Result<u8, Error> {
    let path = std::env::current_exe()
        .map_err(|source| Error::System { what: "the executable can't be found", source })?;
    let object = behind(&path)
        .map_err(|source| Error::Read { path: path.clone(), source })?
        .ok_or_else(|| Error::NotBuilt {
            path: path.clone(),
            why: "there is no script in it; `strand build SCRIPT -o FILE` puts one in, `strip` \
                  takes it out"
                .to_owned(),
        })?;
    run(name, &path, &object, args)
}

/// `strand run OBJECT …`, or an executable in its place.
pub fn run_file(operands: &[String]) -> Result<u8, Error> {
    let Some((path, args)) = operands.split_first() else { return Err(Error::NoProgram) };
    let path = PathBuf::from(path);
    let read = |source| Error::Read { path: path.clone(), source };
    let object = match behind(&path).map_err(read)? {
        Some(object) => object,
        None => std::fs::read(&path).map_err(read)?,
    };
    run("strand", &path, &object, args.to_vec())
}

/// An executable: the runtime, and an object behind it.
pub fn glue(runtime: &mut Vec<u8>, object: &[u8]) {
    // Loaders and strippers look at whole pages.
    runtime.resize(runtime.len().next_multiple_of(4096), 0);
    runtime.extend_from_slice(object);
    runtime.extend_from_slice(MARK);
    runtime.extend_from_slice(&(object.len() as u64).to_le_bytes());
}

/// The object behind an executable, if there is one.
fn behind(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut trailer = [0; TRAILER];
    let Some(end) = size.checked_sub(TRAILER as u64) else { return Ok(None) };
    file.read_exact_at(&mut trailer, end)?;
    let (mark, length) = trailer.split_at(MARK.len());
    if mark != MARK {
        return Ok(None);
    }
    let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
    let Some(start) = end.checked_sub(length) else { return Ok(None) };
    let mut object = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut object, start)?;
    Ok(Some(object))
}

/// The manifest of an object that was built.
fn manifest(path: &Path, object: &[u8]) -> Result<Manifest, Error> {
    let fail = |why: String| Error::NotBuilt { path: path.to_owned(), why };
    let file = object::File::parse(object)
        .map_err(|_| fail("it is no object that `strand build --object` made".to_owned()))?;
    let section = file.section_by_name(manifest::SECTION);
    let data = section.and_then(|s| s.data().ok());
    let data = data.ok_or_else(|| fail("it holds no manifest of strand's".to_owned()))?;
    let version = serde_json::from_slice::<Version>(data).map(|v| v.version);
    if version.as_ref().is_ok_and(|v| *v != manifest::VERSION) {
        return Err(fail("another version of strand made it: build it again".to_owned()));
    }
    serde_json::from_slice(data).map_err(|e| fail(format!("its manifest is damaged: {e}")))
}

/// What all versions of the manifest have.
#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

fn run(name: &'static str, path: &Path, object: &[u8], args: Vec<String>) -> Result<u8, Error> {
    let mut manifest = manifest(path, object)?;
    let script = manifest.script.take().ok_or_else(|| Error::NotBuilt {
        path: path.to_owned(),
        why: "`strand build` didn't make it".to_owned(),
    })?;
    let shown =
        if name == "strand" { format!("strand run {}", path.display()) } else { name.into() };
    let mut invocation = match arguments::read(name, args)? {
        Asked::Run(invocation) => *invocation,
        Asked::Help => return print(&arguments::help(&shown, &script, &manifest)),
        Asked::Version => {
            return print(&format!("{shown} (strand {})\n", env!("CARGO_PKG_VERSION")));
        }
    };
    let mut options = options(&invocation, &script)?;
    // What is wrong with the command line is told before anything is started.
    check_arguments(&manifest.macros, &invocation.args, &script, &options)?;
    preflight::check()?;
    load::quiet_libbpf(invocation.verbose);
    for file in &script.files {
        same(file)?;
    }
    let mut targets = Targets::new(invocation.command.as_deref(), &invocation.pids)?;
    let symbols = OnceCell::new();
    for m in &mut manifest.macros {
        m.value = match m.symbol() {
            Some((module, name)) => address(module, name, &symbols)?.to_ne_bytes().to_vec(),
            None => value(m, &invocation.args, &script, &targets)?,
        };
    }
    if !options.on("quiet") {
        for line in &script.matched {
            eprintln!("{name}: {line}");
        }
        if options.on("destructive") {
            eprintln!("{name}: allowing destructive actions");
        }
    }
    if let (Some(what), false) = (script.destructive.first(), options.on("destructive")) {
        return Err(Error::Argument(format!(
            "{what} is destructive, which was not allowed: -w allows it"
        )));
    }
    invocation.task = Task::Trace;
    manifest.script = Some(script);
    let known = KnownTypes::for_object(object, &manifest, &types_by_module());
    session::trace(&invocation, &mut options, object, manifest, &known, &mut targets)
}

fn print(text: &str) -> Result<u8, Error> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Write { path: "standard output".into(), source })
        }
        _ => Ok(0),
    }
}

/// The options, in the order in which `strand SCRIPT` has them set: the environment, the
/// command line, the script.
fn options(invocation: &Invocation, script: &Script) -> Result<Options, Error> {
    let built_in = |name: &str| {
        let option = described(&name.to_ascii_lowercase()).ok();
        option.is_some_and(|o| o.phase == Phase::Compile || BUILT_IN.contains(&o.name))
    };
    let outside = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let option = name.strip_prefix("DTRACE_OPT_")?;
        (!built_in(option)).then(|| (name.clone(), value.to_string_lossy().into_owned()))
    });
    let mut options = Options::from_environment(outside)?;
    for text in &script.given {
        options.set_text(text)?;
    }
    for text in &invocation.options {
        let option = text.split('=').next().unwrap_or(text);
        if built_in(option) {
            return Err(Error::Usage(format!(
                "the option {option} is built in: `strand build -x {text}` changes it"
            )));
        }
        options.set_text(text)?;
    }
    for text in &script.pragmas {
        options.set_text(text)?;
    }
    Ok(options)
}

/// The text of an argument, as the script counts them.
fn argument<'a>(n: usize, args: &'a [String], script: &Script) -> Option<&'a String> {
    args.get(n.checked_sub(script.args + 1)?)
}

/// Whether all arguments are there and used.
fn check_arguments(
    macros: &[Macro],
    args: &[String],
    script: &Script,
    options: &Options,
) -> Result<(), Error> {
    let used: Vec<usize> = macros.iter().filter_map(Macro::argument).collect();
    let needed = used.iter().copied().max().unwrap_or(0).saturating_sub(script.args);
    if let Some(n) = used.iter().filter(|n| argument(**n, args, script).is_none()).min()
        && !options.on("defaultargs")
    {
        let s = if args.len() == 1 { "" } else { "s" };
        let place = n - script.args;
        return Err(Error::Usage(format!(
            "argument {place} (${n} of the script) is missing: {} argument{s} given; --help tells \
             what they are",
            args.len()
        )));
    }
    match args.get(needed) {
        Some(text) if !options.on("argref") => {
            Err(Error::Usage(format!("the program doesn't use the argument '{text}'")))
        }
        _ => Ok(()),
    }
}

/// Where a symbol is in this kernel. Its table is read if there is any.
fn address(
    module: Option<&str>,
    name: &str,
    symbols: &OnceCell<Option<Symbols>>,
) -> Result<u64, Error> {
    let symbols = symbols.get_or_init(|| Symbols::read().ok().filter(|s| !s.hidden()));
    let shown = format!("{}`{name}", module.unwrap_or(""));
    let symbols = symbols.as_ref().ok_or_else(|| {
        Error::Argument(format!(
            "the address of {shown} is hidden from this user: run it as root, or set the sysctl \
             kernel.kptr_restrict to 0"
        ))
    })?;
    let found = symbols.find(module, name).map(|(address, _)| address);
    found.ok_or_else(|| {
        let why = match module {
            Some(module) if !symbols.has_module(module) => {
                format!("the module {module} isn't loaded")
            }
            _ => "it has no such symbol, or doesn't tell where it is".to_owned(),
        };
        let release = preflight::release();
        Error::Argument(format!("{shown} isn't there on this kernel ({release}): {why}"))
    })
}

/// A macro's value, as the programs read it.
fn value(m: &Macro, args: &[String], script: &Script, targets: &Targets) -> Result<Vec<u8>, Error> {
    let known = match m.name.trim_start_matches('$') {
        "target" => Some(i64::from(targets.id())),
        name => process::macros().into_iter().find(|(n, _)| *n == name).map(|(_, value)| value),
    };
    let given = m.argument().and_then(|n| argument(n, args, script)).map_or("", String::as_str);
    if m.is_text() {
        let text = match known {
            Some(number) => number.to_string().into_bytes(),
            None => literal::unescape(given.as_bytes()),
        };
        if text.len() >= m.size as usize {
            return Err(Error::Argument(format!(
                "{} is too long: it has {} bytes, and room is for {}; `strand build -x strsize={}` \
                 makes more",
                m.name,
                text.len(),
                m.size - 1,
                text.len(),
            )));
        }
        return Ok(text);
    }
    let number = known.or_else(|| number(given));
    let number = number.ok_or_else(|| {
        Error::Usage(format!("the script takes {} as a number, and '{given}' is none", m.name))
    })?;
    Ok(number.to_ne_bytes().to_vec())
}

/// A number as the lexer reads it in an argument; 0 for one that isn't there.
fn number(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (n, _) = literal::integer(digits).ok()?;
    let n = n.cast_signed();
    Some(if text.starts_with('-') { n.wrapping_neg() } else { n })
}

/// What a file is known by later.
pub fn known_file(path: &str) -> io::Result<manifest::KnownFile> {
    let bytes = std::fs::read(path)?;
    // It is the same in each build; who wants to deceive here deceives himself.
    let mut hasher = rustc_hash::FxHasher::default();
    hasher.write(&bytes);
    Ok(manifest::KnownFile {
        path: path.to_owned(),
        size: bytes.len() as u64,
        hash: hasher.finish(),
    })
}

/// Whether a program or library is the one whose places are known.
fn same(file: &manifest::KnownFile) -> Result<(), Error> {
    match known_file(&file.path) {
        Ok(now) if now == *file => Ok(()),
        Ok(_) => Err(Error::Argument(format!(
            "{} is another one here than where this was built, so its probes are elsewhere: build \
             it again on this machine",
            file.path
        ))),
        Err(source) => Err(Error::Read { path: file.path.clone().into(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_language() {
        let read =
            ["12", "-7", "+3", "0x1f", "010", "", "7u", "sda", "1.5", "18446744073709551615"]
                .map(number);
        let expected = [
            Some(12),
            Some(-7),
            Some(3),
            Some(31),
            Some(8),
            Some(0),
            Some(7),
            None,
            None,
            Some(-1),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn arguments_are_there_and_used() {
        let macros = ["$1", "$$3", "$pid"].map(|name| Macro {
            name: name.to_owned(),
            offset: 0,
            size: 8,
            value: Vec::new(),
        });
        let check = |args: &[&str], built: usize, options: &Options| {
            let args: Vec<_> = args.iter().map(|a| (*a).to_owned()).collect();
            let script = Script { args: built, ..Script::default() };
            let macros = &macros[usize::from(built > 0)..];
            check_arguments(macros, &args, &script, options).map_err(|e| e.to_string())
        };
        let mut options = Options::default();
        assert!(check(&["1", "2", "3"], 0, &options).is_ok());
        assert!(check(&["2", "3"], 1, &options).is_ok());
        insta::assert_debug_snapshot!(check(&["1"], 0, &options), @r#"
        Err(
            "argument 3 ($3 of the script) is missing: 1 argument given; --help tells what they are",
        )
        "#);
        insta::assert_debug_snapshot!(check(&["1", "2", "3", "x"], 0, &options), @r#"
        Err(
            "the program doesn't use the argument 'x'",
        )
        "#);
        assert!(options.set("defaultargs", None).is_ok());
        assert!(check(&["1"], 0, &options).is_ok());
    }

    #[test]
    fn an_object_is_found_behind_an_executable() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("strand-glue-{}", std::process::id()));
        let mut file = vec![1; 5000];
        std::fs::write(&path, &file)?;
        assert_eq!(behind(&path)?, None);
        glue(&mut file, b"object");
        std::fs::write(&path, &file)?;
        let found = behind(&path);
        std::fs::remove_file(&path)?;
        assert_eq!((found?.as_deref(), file.len()), (Some(b"object".as_slice()), 8192 + 6 + 16));
        Ok(())
    }
}
