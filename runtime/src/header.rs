//! `-h`: a C header with the probes of `provider` declarations.
//!
//! In: a parsed program. Out: a header with a macro for each probe, `PROVIDER_PROBE(args)`,
//! and one that says whether anybody traces it, `PROVIDER_PROBE_ENABLED()`. A probe is a
//! `nop` and an ELF note in the format that SystemTap's `sys/sdt.h` made common, so that a
//! program compiled with the header needs no further step and no other file.

use crate::cli::{Invocation, ProgramText};
use crate::error::Error;
use crate::kernel::LiveKernel;
use crate::options::Options;
use crate::program;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use strand_grammar::ast::{Derived, Item, Parameter, ProbeDeclaration, TypeSpecKind};
use strand_grammar::source::Sources;

/// What all headers begin with.
const COMMON: &str = include_str!("header.h");

/// Writes the header of an invocation's programs.
pub fn write(invocation: &Invocation, options: &mut Options) -> Result<u8, Error> {
    let path = path(invocation)?;
    let kernel = LiveKernel::new();
    let mut parsed = program::parse(invocation, options, &kernel, 0)?;
    parsed.compile(invocation, options, &kernel)?;
    let text = header(&parsed.program.items, &parsed.sources);
    std::fs::write(&path, text).map_err(|source| Error::Write { path, source })?;
    Ok(0)
}

/// Where it goes: `-o`, or the script's name with another ending in this folder.
fn path(invocation: &Invocation) -> Result<PathBuf, Error> {
    let usage = |text: &str| Err(Error::Usage(text.to_owned()));
    match (&invocation.output, invocation.programs.as_slice()) {
        (_, []) => usage("-h requires one or more scripts or enabling options"),
        (Some(path), _) => Ok(path.clone()),
        (None, [ProgramText::Script(script)]) if script.extension().is_some_and(|e| e == "d") => {
            let name = script.file_stem().map(Path::new).unwrap_or(script);
            Ok(name.with_extension("h"))
        }
        (None, [_]) => usage("-h requires an output file if no scripts are specified"),
        (None, _) => usage("-h requires an output file if multiple scripts are specified"),
    }
}

/// The header's text.
fn header(items: &[Item], sources: &Sources) -> String {
    let mut out = COMMON.to_owned();
    for item in items {
        let Item::Provider(provider) = item else { continue };
        let name = &provider.name.name;
        let _ = writeln!(out, "\n/* The probes of {name}. */");
        for probe in &provider.probes {
            out += &macros(name, probe, sources);
        }
    }
    out
}

/// A name as a macro has it: `my-probe`, written `my__probe`, is `MY_PROBE`.
fn macro_name(name: &str) -> String {
    name.replace("__", "_").replace(['-', '.'], "_").to_ascii_uppercase()
}

/// The macros of one probe.
fn macros(provider: &str, probe: &ProbeDeclaration, sources: &Sources) -> String {
    let name = probe.name.name.replace('-', "__");
    let semaphore = format!("{}_{name}_semaphore", provider.replace(['-', '.'], "_"));
    let called = format!("{}_{}", macro_name(provider), macro_name(&probe.name.name));
    let names: Vec<String> = (0..probe.native.len()).map(|n| format!("arg{n}")).collect();
    let passed: Vec<String> = probe
        .native
        .iter()
        .zip(&names)
        .map(|(parameter, name)| format!("({})({name})", c_type(parameter, sources)))
        .collect();
    let count = passed.len();
    let mut out = format!("#if STRAND_PROBES\nSTRAND_SEMAPHORE({semaphore});\n");
    let all =
        [vec![format!("\"{provider}\", \"{name}\", {semaphore}")], passed].concat().join(", ");
    let _ =
        writeln!(out, "#define {called}({}) \\\n\tSTRAND_PROBE{count}({all})", names.join(", "));
    let _ = writeln!(out, "#define {called}_ENABLED() STRAND_ENABLED({semaphore})");
    let nothing: Vec<String> = names.iter().map(|n| format!("(void)({n})")).collect();
    let nothing = if nothing.is_empty() { "(void)0".to_owned() } else { nothing.join(", ") };
    let _ = writeln!(out, "#else\n#define {called}({}) ({nothing})", names.join(", "));
    let _ = writeln!(out, "#define {called}_ENABLED() (0)\n#endif");
    out
}

/// The C type that an argument is passed as: a pointer is an address, whatever it is to.
fn c_type(parameter: &Parameter, sources: &Sources) -> String {
    let pointer = parameter.ty.derived.iter().any(|d| {
        matches!(d, Derived::Pointer { .. } | Derived::Array(_) | Derived::Function { .. })
    });
    if pointer || matches!(parameter.ty.base.kind, TypeSpecKind::String) {
        return "unsigned long".to_owned();
    }
    let text = sources.text(parameter.ty.base.span);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use strand_grammar::macros::Macros;
    use strand_grammar::source::SourceKind;
    use strand_grammar::{NoTypes, Unit, UnitKind};

    #[test]
    fn names_of_macros() {
        assert_eq!(macro_name("my_prov"), "MY_PROV");
        assert_eq!(macro_name("d__ash"), "D_ASH");
    }

    #[test]
    fn a_macro_for_each_probe() {
        let text = "provider my { probe ready(); probe do__it(char *, short n, string); };";
        let mut sources = Sources::new();
        let source = sources.add("my.d", text, SourceKind::Script);
        let unit = Unit { source, kind: UnitKind::Script };
        let (program, diagnostics) =
            strand_grammar::parse(&sources, &[unit], &NoTypes, &Macros::default());
        assert_eq!(diagnostics, []);
        let header = header(&program.items, &sources);
        insta::assert_snapshot!(&header[COMMON.len()..], @r#"
        /* The probes of my. */
        #if STRAND_PROBES
        STRAND_SEMAPHORE(my_ready_semaphore);
        #define MY_READY() \
        	STRAND_PROBE0("my", "ready", my_ready_semaphore)
        #define MY_READY_ENABLED() STRAND_ENABLED(my_ready_semaphore)
        #else
        #define MY_READY() ((void)0)
        #define MY_READY_ENABLED() (0)
        #endif
        #if STRAND_PROBES
        STRAND_SEMAPHORE(my_do__it_semaphore);
        #define MY_DO_IT(arg0, arg1, arg2) \
        	STRAND_PROBE3("my", "do__it", my_do__it_semaphore, (unsigned long)(arg0), (short)(arg1), (unsigned long)(arg2))
        #define MY_DO_IT_ENABLED() STRAND_ENABLED(my_do__it_semaphore)
        #else
        #define MY_DO_IT(arg0, arg1, arg2) ((void)(arg0), (void)(arg1), (void)(arg2))
        #define MY_DO_IT_ENABLED() (0)
        #endif
        "#);
    }
}
