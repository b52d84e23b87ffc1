//! `strand build`: a script to a file that runs without it.
//!
//! In: an invocation with a script. Out: a BPF object, or an executable: the runtime with that
//! object behind it. Decides what of the script the runtime is told, beside what every manifest
//! has, and where the runtime is found.

use crate::cli::{Form, Invocation, ProgramText};
use crate::error::Error;
use crate::kernel::LiveKernel;
use crate::options::Options;
use crate::program::{self, Parsed};
use crate::{changed, load, native, preflight, room};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use strand_compiler::kernel::{Attach, Kernel};
use strand_compiler::manifest::{Manifest, Script};
use strand_compiler::{Compiled, object};
use strand_grammar::ast::{Item, Pragma};

/// Writes the file.
pub fn build(invocation: &Invocation, options: &mut Options, form: Form) -> Result<u8, Error> {
    if invocation.programs.is_empty() {
        return Err(Error::NoProgram);
    }
    let path = destination(invocation, form)?;
    let mut runtime = match form {
        Form::Object => None,
        Form::Program => Some(runtime("strand-native")?),
        Form::Static => Some(runtime("strand-native-static")?),
    };
    load::quiet_libbpf(false);
    let kernel = LiveKernel::new();
    let mut parsed = program::parse(invocation, options, &kernel, 0)?;
    let compiled = parsed.compile(invocation, options, &kernel)?;
    if compiled.manifest.probes.is_empty() && !options.on("zdefs") {
        return Err(Error::NothingMatched);
    }
    room::check(&compiled, options)?;
    let script = script(invocation, &parsed, &compiled, &kernel)?;
    let manifest = Manifest { script: Some(script), ..compiled.manifest };
    let (ir, code) = (&compiled.ir, &compiled.code);
    let target = object::Target::AnyKernel;
    let object =
        object::write(ir, code, &manifest, &kernel, &parsed.sources, target).map_err(|e| {
            Error::System { what: "the object can't be made", source: io::Error::other(e) }
        })?;
    for name in &object.fixed {
        eprintln!(
            "{}: {name} is taken to be on other kernels what it is on this one: it has no name there \
             to be found by",
            invocation.name
        );
    }
    let (bytes, mode) = match &mut runtime {
        None => (object.elf, 0o644),
        Some(runtime) => {
            native::glue(runtime, &object.elf);
            (std::mem::take(runtime), 0o755)
        }
    };
    replace(&path, &bytes, mode).map_err(|source| Error::Write { path: path.clone(), source })?;
    Ok(0)
}

/// Where it is written.
fn destination(invocation: &Invocation, form: Form) -> Result<PathBuf, Error> {
    let script = invocation.programs.iter().find_map(|p| match p {
        ProgramText::Script(path) if path.as_os_str() != "-" => Some(path),
        _ => None,
    });
    let path = match (&invocation.output, script) {
        (Some(path), _) => path.clone(),
        (None, Some(script)) => {
            let ending = if form == Form::Object { "bpf.o" } else { "" };
            PathBuf::from(script.file_name().unwrap_or_default()).with_extension(ending)
        }
        (None, None) => {
            return Err(Error::Usage("-o is needed: there is no script to be named after".into()));
        }
    };
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if script.is_some_and(|script| same(script, &path)) {
        return Err(Error::Usage(format!(
            "{} is the script itself: -o names another file to write",
            path.display()
        )));
    }
    Ok(path)
}

/// The runtime that executables begin with: beside this program, or where `make install` puts it.
fn runtime(name: &str) -> Result<Vec<u8>, Error> {
    let own = std::env::current_exe()
        .map_err(|source| Error::System { what: "the executable can't be found", source })?;
    let folder = own.parent().unwrap_or(Path::new("/"));
    let places = [folder.join(name), folder.join("../libexec/strand").join(name)];
    for path in &places {
        match fs::read(path) {
            Ok(bytes) => return Ok(bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(Error::Read { path: path.clone(), source }),
        }
    }
    let [path, _] = places;
    Err(Error::NoRuntime { path })
}

/// Writes a file in one step: one that runs can be replaced, but not be written to.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let special = fs::metadata(path).is_ok_and(|m| !m.is_file());
    if special {
        return fs::write(path, bytes);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let new = path.with_file_name(name);
    let done = fs::write(&new, bytes)
        .and_then(|()| fs::set_permissions(&new, fs::Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&new, path));
    if done.is_err() {
        // It may not be there.
        let _ = fs::remove_file(&new);
    }
    done
}

/// What the runtime is told of the script.
fn script(
    invocation: &Invocation,
    parsed: &Parsed,
    compiled: &Compiled,
    kernel: &LiveKernel,
) -> Result<Script, Error> {
    let first = parsed.units.first().map(|unit| parsed.sources.get(unit.source));
    let pragmas = parsed.program.items.iter().filter_map(|item| match item {
        Item::Pragma(Pragma::Option { name, value, .. }) => Some(match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        }),
        _ => None,
    });
    let descriptions = parsed.descriptions().map(|d| {
        let pattern = d.into();
        let ids =
            kernel.probes(&pattern).map_or(Vec::new(), |all| all.iter().map(|p| p.id).collect());
        (pattern.to_string(), ids)
    });
    let destructive = compiled.destructive.iter().map(|(span, name)| {
        let source = parsed.sources.get(span.source);
        format!("{name}() at {}:{}", source.name, source.place(span.start).1)
    });
    Ok(Script {
        name: first.map_or(String::new(), |s| s.name.clone()),
        about: first.map_or(String::new(), |s| about(&s.text)),
        given: invocation.options.clone(),
        pragmas: pragmas.collect(),
        descriptions: descriptions.collect(),
        matched: parsed.matched(invocation, kernel),
        destructive: destructive.collect(),
        files: files(&compiled.manifest)?,
        args: invocation.args.len(),
        release: preflight::release(),
        reads: changed::reads(compiled, kernel),
    })
}

/// The programs and libraries that probes are in.
fn files(manifest: &Manifest) -> Result<Vec<strand_compiler::manifest::KnownFile>, Error> {
    let places = manifest.programs.iter().flat_map(|p| &p.attach).filter_map(Attach::user_place);
    let mut paths: Vec<&str> = places.map(|p| p.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let known = |path: &str| {
        native::known_file(path).map_err(|source| Error::Read { path: path.into(), source })
    };
    paths.into_iter().map(known).collect()
}

/// The comment that a script begins with, after `#!` and options.
fn about(text: &str) -> String {
    let lines = text.lines().map(str::trim).skip_while(|l| l.is_empty() || l.starts_with('#'));
    let mut out: Vec<&str> = Vec::new();
    let mut block = false;
    for line in lines {
        if block || line.starts_with("/*") {
            block = !line.contains("*/");
            let line = line.strip_prefix("/*").unwrap_or(line);
            let line = line.split("*/").next().unwrap_or(line).trim();
            out.push(line.strip_prefix('*').unwrap_or(line).trim());
            if !block {
                break;
            }
        } else if let Some(line) = line.strip_prefix("//") {
            out.push(line.strip_prefix(' ').unwrap_or(line));
        } else {
            break;
        }
    }
    // Marks for the tests that run a script are no words of its own.
    out.retain(|l| !l.starts_with('@'));
    out.join("\n").trim_matches(['\n', '*']).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::about;

    #[test]
    fn the_leading_comment() {
        let block =
            "#!/usr/sbin/strand -qCs\n\n/*\n * Counts calls.\n *\n *   tool PID\n */\nBEGIN {}";
        assert_eq!(about(block), "Counts calls.\n\ntool PID");
        let lines = "// Counts\n//   calls.\n//@ args: 7\n\n// Not this.\nBEGIN {}";
        assert_eq!(about(lines), "Counts\n  calls.");
        assert_eq!(about("#pragma D option quiet\n/* One. */ BEGIN {}"), "One.");
        assert_eq!(about("BEGIN {}\n// later"), "");
    }
}
