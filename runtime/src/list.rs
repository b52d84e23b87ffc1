//! The list of probes, as dtrace(1) lays it out.
//!
//! In: names of probes, and for `-v` their attributes and arguments. Out: lines of text.

use crate::kernel::LiveKernel;
use crate::probe::{self, ProbeName};
use std::io::{self, Write};
use strand_compiler::btf::print::type_name;
use strand_compiler::kernel::{ArgType, Kernel, Probe, ProbeArg, ProbePattern};
use strand_grammar::stability::Attributes;

/// Writes the list.
pub fn list(
    kernel: &LiveKernel,
    names: &[ProbeName],
    verbose: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{:>5} {:>10} {:>17} {:>33} NAME", "ID", "PROVIDER", "MODULE", "FUNCTION")?;
    for n in names {
        writeln!(
            out,
            "{:>5} {:>10} {:>17} {:>33} {}",
            n.id, n.provider, n.module, n.function, n.name
        )?;
        if verbose && let Ok(probe) = probe::describe(kernel, n) {
            let pattern = ProbePattern {
                id: None,
                provider: probe.provider.clone(),
                module: probe.module.clone(),
                function: probe.function.clone(),
                name: probe.name.clone(),
            };
            attributes("Probe Description", probe.stability.of(&pattern), out)?;
            attributes("Argument", probe.stability.args, out)?;
            arguments(kernel, &probe, out)?;
        }
    }
    Ok(())
}

/// How far a script may rely on something.
pub fn attributes(what: &str, a: Attributes, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n\t{what} Attributes")?;
    writeln!(out, "\t\tIdentifier Names: {}", a.name)?;
    writeln!(out, "\t\tData Semantics:   {}", a.data)?;
    writeln!(out, "\t\tDependency Class: {}", a.class)
}

fn arguments(kernel: &LiveKernel, probe: &Probe, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n\tArgument Types")?;
    let args = kernel.args(probe);
    for (i, arg) in args.iter().enumerate() {
        writeln!(out, "\t\targs[{i}]: {}", argument(kernel, arg))?;
    }
    if args.is_empty() {
        writeln!(out, "\t\tNone")?;
    }
    writeln!(out)
}

/// The type that a script sees.
fn argument(kernel: &LiveKernel, arg: &ProbeArg) -> String {
    if let Some(translated) = &arg.translated {
        return translated.clone();
    }
    match &arg.ty {
        ArgType::D { text, userland: true } => format!("(userland) {text}"),
        ArgType::D { text, .. } => text.clone(),
        ArgType::Btf { module, id } => kernel
            .types_of(module.as_deref())
            .map_or_else(|| "(unknown)".to_owned(), |btf| type_name(&btf, *id)),
    }
}
