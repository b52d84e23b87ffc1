//! What an invocation asks for, done.
//!
//! In: an [`Invocation`]. Out: an exit status. Each task is one function; tracing itself is
//! in `session.rs`.

use crate::cli::{self, Invocation, Stage, Task};
use crate::error::Error;
use crate::kernel::LiveKernel;
use crate::list;
use crate::options::Options;
use crate::probe::{self, ProbeName};
use crate::program::{self, Parsed};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use strand_compiler::kernel::{Kernel, ProbePattern};

/// Does it.
pub fn run(invocation: &Invocation) -> Result<u8, Error> {
    let mut options =
        Options::from_environment(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }))?;
    for text in &invocation.options {
        options.set_text(text)?;
    }
    match invocation.task {
        Task::Version => write_out(invocation, |out| {
            writeln!(out, "{}: strand {}", invocation.name, env!("CARGO_PKG_VERSION"))
        }),
        Task::Manual => write_out(invocation, |out| out.write_all(&cli::manual()?)),
        Task::List => list_probes(invocation, &mut options),
        Task::Dump(stage) => dump(invocation, &mut options, stage),
        Task::Check | Task::Trace => Ok(0),
    }
}

/// The kernel to compile for.
fn kernel(invocation: &Invocation) -> Result<LiveKernel, Error> {
    match &invocation.btf {
        Some(path) => Ok(LiveKernel::of_btf_file(path.clone())?),
        None => Ok(LiveKernel::new()),
    }
}

/// Where output goes: stdout, or the end of the file of `-o`.
pub fn output(invocation: &Invocation) -> Result<Box<dyn Write>, Error> {
    match &invocation.output {
        None => Ok(Box::new(BufWriter::new(io::stdout()))),
        Some(path) => {
            let file = File::options().append(true).create(true).open(path);
            let file = file.map_err(|source| Error::Write { path: path.clone(), source })?;
            Ok(Box::new(BufWriter::new(file)))
        }
    }
}

/// Writes, and takes it as no failure that the reader has gone away.
fn write_out(
    invocation: &Invocation,
    body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<u8, Error> {
    let mut out = output(invocation)?;
    match body(&mut out).and_then(|()| out.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            let path = invocation.output.clone().unwrap_or_else(|| "standard output".into());
            Err(Error::Write { path, source })
        }
        _ => Ok(0),
    }
}

/// `strand list`, `dtrace -l`
fn list_probes(invocation: &Invocation, options: &mut Options) -> Result<u8, Error> {
    let kernel = LiveKernel::new();
    let patterns: Vec<ProbePattern> = if invocation.programs.is_empty() {
        vec![ProbePattern::default()]
    } else {
        let parsed = program::parse(invocation, options, &kernel, 0)?;
        if parsed.show(&parsed.diagnostics, invocation, options) {
            return Err(Error::Program);
        }
        parsed.descriptions().map(program::pattern).collect()
    };
    let mut names: Vec<ProbeName> = Vec::new();
    let mut unmatched = Vec::new();
    for pattern in &patterns {
        let (found, errors) = probe::names(&kernel, pattern);
        if found.is_empty() {
            unmatched.push(match errors.into_iter().next() {
                Some(e) => e.message,
                None => nothing(&kernel, pattern),
            });
        }
        names.extend(found);
    }
    names.sort_by_key(|n| n.id);
    names.dedup_by_key(|n| n.id);
    write_out(invocation, |out| list::list(&kernel, &names, invocation.verbose, out))?;
    match unmatched.into_iter().next() {
        Some(message) => Err(Error::Probes(message)),
        None => Ok(0),
    }
}

/// That a description matches nothing, and what may have been meant.
fn nothing(kernel: &LiveKernel, pattern: &ProbePattern) -> String {
    let near = kernel.near_probes(pattern);
    let near =
        if near.is_empty() { String::new() } else { format!("; near it are {}", near.join(", ")) };
    format!("no probe matches {pattern}{near}")
}

/// `-d STAGE`
fn dump(invocation: &Invocation, options: &mut Options, stage: Stage) -> Result<u8, Error> {
    let kernel = kernel(invocation)?;
    let parsed = program::parse(invocation, options, &kernel, 0)?;
    if parsed.show(&parsed.diagnostics, invocation, options) {
        return Err(Error::Program);
    }
    match stage {
        Stage::Ast => write_out(invocation, |out| writeln!(out, "{:#?}", parsed.program)),
        Stage::Probes => dump_probes(invocation, &kernel, &parsed),
        Stage::Ir | Stage::Bpf | Stage::Object => Ok(0),
    }
}

/// What each description matches.
fn dump_probes(invocation: &Invocation, kernel: &LiveKernel, parsed: &Parsed) -> Result<u8, Error> {
    write_out(invocation, |out| {
        for description in parsed.descriptions() {
            let pattern = program::pattern(description);
            writeln!(out, "{pattern}")?;
            match kernel.probes(&pattern) {
                Err(e) => writeln!(out, "  {}", e.message)?,
                Ok(probes) => {
                    for probe in probes {
                        writeln!(out, "  {} {}", probe.id, probe.description())?;
                        for site in probe.sites {
                            writeln!(out, "    {:?}", site.attach)?;
                        }
                    }
                }
            }
        }
        Ok(())
    })
}
