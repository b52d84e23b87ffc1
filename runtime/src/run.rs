//! What an invocation asks for, done.
//!
//! In: an [`Invocation`]. Out: an exit status. Each task is one function; tracing itself is
//! in `session.rs`.

use crate::cli::{self, Invocation, ProgramText, Stage, Task};
use crate::error::Error;
use crate::kernel::LiveKernel;
use crate::list;
use crate::load::KnownTypes;
use crate::options::Options;
use crate::output::Output;
use crate::probe::{self, ProbeName};
use crate::process::Targets;
use crate::program::{self, Parsed};
use crate::provider::pid::split;
use crate::{
    build, features, first_line, header, link, load, native, preflight, room, session, startup,
    untraceable,
};
use std::io::{self, Write};
use strand_compiler::kernel::{Kernel, ProbePattern, glob_match};
use strand_compiler::{Compiled, bpf};
use strand_grammar::ast::ProbeDescription;
use strand_grammar::diagnostic::Diagnostic;

/// Does it.
pub fn run(invocation: &Invocation) -> Result<u8, Error> {
    // Scripts that are checked together don't share them.
    let alone = invocation.task == Task::Check && invocation.name != "dtrace";
    let applied = if alone { invocation.clone() } else { first_line::apply(invocation)? };
    let invocation = &applied;
    let mut options = options(invocation)?;
    match invocation.task {
        Task::Version => write_out(invocation, |out| {
            let version = env!("CARGO_PKG_VERSION");
            if invocation.name != "dtrace" {
                return writeln!(out, "strand {version}");
            }
            // Scripts look here for the D that they may use, by the name that it goes by.
            writeln!(out, "dtrace: Oracle D 2.0")?;
            if invocation.verbose { writeln!(out, "This is strand {version}") } else { Ok(()) }
        }),
        Task::Header => header::write(invocation, &mut options),
        Task::Link => link::link(invocation, &mut options),
        Task::Features => write_out(invocation, |out| features::write(&LiveKernel::new(), out)),
        Task::Manual => write_out(invocation, |out| out.write_all(&cli::manual()?)),
        Task::List => list_probes(invocation, &mut options),
        Task::Dump(stage) => dump(invocation, &mut options, stage),
        Task::Check => check(invocation),
        Task::Build(form) => build::build(invocation, &mut options, form),
        Task::Run => native::run_file(&invocation.args),
        Task::Trace => trace(invocation, &mut options),
    }
}

/// The options that an invocation sets, outside of its programs.
fn options(invocation: &Invocation) -> Result<Options, Error> {
    let mut options =
        Options::from_environment(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }))?;
    for text in &invocation.options {
        options.set_text(text)?;
    }
    Ok(options)
}

/// The kernel to compile for.
fn kernel(invocation: &Invocation) -> Result<LiveKernel, Error> {
    match &invocation.btf {
        Some(path) => Ok(LiveKernel::of_btf_file(path.clone())?),
        None => Ok(LiveKernel::new()),
    }
}

/// Where output goes: stdout, or the end of the file of `-o`.
pub fn output(invocation: &Invocation) -> Result<Output<'static>, Error> {
    match &invocation.output {
        None => Ok(Output::stdout()),
        Some(path) => {
            Output::file(path).map_err(|source| Error::Write { path: path.clone(), source })
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
    kernel.be_thorough();
    let (_targets, patterns) = if invocation.programs.is_empty() {
        (None, vec![ProbePattern::default()])
    } else {
        let (targets, parsed) = prepare(invocation, options, &kernel)?;
        if parsed.show(&parsed.diagnostics, invocation, options) {
            return Err(Error::Program);
        }
        // They live for as long as what they have is listed.
        (Some(targets), parsed.descriptions().map(ProbePattern::from).collect())
    };
    let mut names: Vec<ProbeName> = Vec::new();
    let mut unmatched = Vec::new();
    for pattern in &patterns {
        let (found, errors) = probe::names(&kernel, pattern);
        if found.is_empty() {
            unmatched.push(match errors.into_iter().next() {
                _ if invocation.name == "dtrace" => {
                    let all = ProbePattern { id: None, ..pattern.clone() };
                    format!("failed to match {all}: No probe matches description")
                }
                Some(e) => e.message,
                None => nothing(&kernel, pattern),
            });
        }
        names.extend(found);
    }
    if invocation.name != "dtrace" || patterns.len() == 1 {
        names.sort_by_key(|n| n.id);
        names.dedup_by_key(|n| n.id);
    }
    write_out(invocation, |out| list::list(&kernel, &names, invocation.verbose, out))?;
    if invocation.name == "dtrace" {
        for message in unmatched {
            eprintln!("dtrace: {message}");
        }
        return Ok(0);
    }
    match unmatched.into_iter().next() {
        Some(message) => Err(Error::Probes(message)),
        None => Ok(0),
    }
}

/// That a description matches nothing, and what may have been meant.
fn nothing(kernel: &LiveKernel, pattern: &ProbePattern) -> String {
    if let Some(known) = kernel.why_no_probe(pattern) {
        let hint = known.hint.map_or_else(String::new, |hint| format!("; {hint}"));
        return format!("{}{hint}", known.message);
    }
    let near = kernel.near_probes(pattern);
    let near =
        if near.is_empty() { String::new() } else { format!("; near it are {}", near.join(", ")) };
    format!("no probe matches {pattern}{near}")
}

/// Parses the programs; the processes that they are about are there, and the one that `-c`
/// starts is stopped where its probes can be found.
fn prepare(
    invocation: &Invocation,
    options: &mut Options,
    kernel: &LiveKernel,
) -> Result<(Targets, Parsed), Error> {
    let mut targets = Targets::new(invocation.command.as_deref(), &invocation.pids)?;
    let parsed = program::parse(invocation, options, kernel, targets.id())?;
    if options.on("zdefs") {
        kernel.be_thorough();
        kernel.want_later_processes();
    }
    if let Some(stage) = stage(&parsed, invocation, options, targets.id()) {
        targets.advance(stage);
    }
    Ok((targets, parsed))
}

/// Traces until it is over.
fn trace(invocation: &Invocation, options: &mut Options) -> Result<u8, Error> {
    preflight::check()?;
    load::quiet_libbpf(invocation.verbose && invocation.name != "dtrace");
    let kernel = LiveKernel::new();
    let (mut targets, mut parsed) = prepare(invocation, options, &kernel)?;
    let compiled = parsed.compile(invocation, options, &kernel)?;
    if !options.on("quiet") {
        for line in parsed.matched(invocation, &kernel) {
            eprintln!("{}: {line}", invocation.name);
        }
        if options.on("destructive") {
            eprintln!("{}: allowing destructive actions", invocation.name);
        }
    }
    if invocation.verbose {
        write_out(invocation, |out| parsed.stability(invocation, &compiled, out))?;
    }
    if !options.on("destructive") {
        refuse_destructive(invocation, options, &parsed, &compiled)?;
    }
    if compiled.manifest.probes.is_empty() && !options.on("zdefs") {
        return Err(Error::NothingMatched);
    }
    room::check(&compiled, options)?;
    if options.on("verbose") {
        for function in &compiled.code.functions {
            eprint!("{}", bpf::disasm::listing(function, &compiled.ir, Some(&parsed.sources)));
        }
    }
    let Compiled { object, manifest, .. } = compiled;
    let known = KnownTypes::of(&manifest, &|module| kernel.types_of(module));
    // Nobody needs the kernel's types any more, and they are large.
    drop(kernel);
    session::trace(invocation, options, &object.elf, manifest, &known, &mut targets)
        .map_err(|e| explain(e, invocation, options, &parsed))
}

/// Shows why a function of the kernel can't be traced, where the program asks for it, if that
/// is what has gone wrong. Only now is it looked for: it takes longer than to trace.
fn explain(error: Error, invocation: &Invocation, options: &Options, parsed: &Parsed) -> Error {
    let Some((probe, module, function)) = error.at_function().and_then(|(probe, event)| {
        let (module, function) = event.function()?;
        Some((probe, module, function))
    }) else {
        return error;
    };
    let meant = |d: &&ProbeDescription| {
        let pattern = ProbePattern::from(*d);
        let fields = [&pattern.provider, &pattern.module, &pattern.function, &pattern.name];
        pattern.id.is_none() && fields.iter().zip(probe.split(':')).all(|(f, is)| glob_match(f, is))
    };
    let provider = probe.split(':').next().unwrap_or_default();
    let reason = untraceable::why(&LiveKernel::new(), provider, module, function);
    let (Some(reason), Some(description)) = (reason, parsed.descriptions().find(meant)) else {
        return error;
    };
    let shown = reason.about(function).diagnostic(&description.into(), description.span);
    parsed.show(&[shown], invocation, options);
    Error::Program
}

/// How far the program of `-c` has to come before probes are looked for in it: not at all,
/// unless it is named, so that everything that it does can be traced. dtrace(1) leaves out
/// what comes before its first instruction.
fn stage(
    parsed: &Parsed,
    invocation: &Invocation,
    options: &Options,
    target: i32,
) -> Option<startup::Stage> {
    if options.is_set("evaltime") || invocation.name == "dtrace" {
        return match options.text("evaltime").as_deref() {
            Some("preinit") => Some(startup::Stage::Libraries),
            Some("postinit") => Some(startup::Stage::Entry),
            Some("main") => Some(startup::Stage::Main),
            _ => None,
        };
    }
    let target = target.to_string();
    let names_it = |provider: &str| split(provider).is_some_and(|(_, id)| id.ends_with(&target));
    let named = target != "0" && parsed.descriptions().any(|d| names_it(&d.provider));
    named.then_some(startup::Stage::Libraries)
}

/// Says what a program would do to the system, if it would do anything.
fn refuse_destructive(
    invocation: &Invocation,
    options: &Options,
    parsed: &Parsed,
    compiled: &Compiled,
) -> Result<(), Error> {
    if compiled.destructive.is_empty() {
        return Ok(());
    }
    if invocation.name == "dtrace" {
        return Err(Error::Destructive);
    }
    let refused = compiled.destructive.iter().map(|(span, name)| {
        let message = format!("`{name}()` is destructive, which was not allowed");
        Diagnostic::error("D_DESTRUCTIVE", *span, message)
            .hint("`--destructive` or `#pragma D option destructive` allows it")
    });
    parsed.show(&refused.collect::<Vec<_>>(), invocation, options);
    Err(Error::Program)
}

/// `strand check`, `dtrace -e`: compiles each script alone, or the texts together.
fn check(invocation: &Invocation) -> Result<u8, Error> {
    load::quiet_libbpf(false);
    let kernel = kernel(invocation)?;
    kernel.be_thorough();
    let is_script = |p: &ProgramText| matches!(p, ProgramText::Script(_));
    let (scripts, texts): (Vec<_>, Vec<_>) =
        invocation.programs.iter().cloned().partition(is_script);
    let mut groups: Vec<Vec<ProgramText>> = Vec::new();
    if invocation.name == "dtrace" {
        groups.push(invocation.programs.clone());
    } else {
        groups.extend(scripts.into_iter().map(|s| vec![s]));
        groups.extend((!texts.is_empty()).then_some(texts));
    }
    let mut failed = None;
    for programs in groups {
        let alone = Invocation { programs, ..invocation.clone() };
        if let Err(e) = first_line::apply(&alone).and_then(|alone| check_one(&alone, &kernel)) {
            // All are checked; what each diagnostic says has been shown.
            if !matches!(e, Error::Program) {
                eprintln!("{}: {}", invocation.name, e.text());
            }
            failed = Some(Error::Program);
        }
    }
    failed.map_or(Ok(0), Err)
}

fn check_one(invocation: &Invocation, kernel: &LiveKernel) -> Result<(), Error> {
    let mut options = options(invocation)?;
    let (_targets, mut parsed) = prepare(invocation, &mut options, kernel)?;
    let compiled = parsed.compile(invocation, &options, kernel)?;
    if invocation.verbose {
        for line in parsed.matched(invocation, kernel) {
            eprintln!("{}: {line}", invocation.name);
        }
        write_out(invocation, |out| parsed.stability(invocation, &compiled, out))?;
    }
    Ok(())
}

/// `-d STAGE`
fn dump(invocation: &Invocation, options: &mut Options, stage: Stage) -> Result<u8, Error> {
    let kernel = kernel(invocation)?;
    let (_targets, mut parsed) = prepare(invocation, options, &kernel)?;
    if matches!(stage, Stage::Ast | Stage::Probes) {
        if parsed.show(&parsed.diagnostics, invocation, options) {
            return Err(Error::Program);
        }
        return match stage {
            Stage::Ast => write_out(invocation, |out| writeln!(out, "{:#?}", parsed.program)),
            _ => dump_probes(invocation, &kernel, &parsed),
        };
    }
    let compiled = parsed.compile(invocation, options, &kernel)?;
    write_out(invocation, |out| match stage {
        Stage::Ir => write!(out, "{}", compiled.ir),
        Stage::Passes => show_passes(&compiled.passes, out),
        Stage::Bpf => compiled.code.functions.iter().try_for_each(|function| {
            let text = bpf::disasm::listing(function, &compiled.ir, Some(&parsed.sources));
            out.write_all(text.as_bytes())
        }),
        _ => out.write_all(&compiled.object.elf),
    })
}

/// The program after each pass; lines that begin with `;` are comments to whoever reads it.
fn show_passes(passes: &[(&str, String)], out: &mut dyn Write) -> io::Result<()> {
    let mut before = "";
    for (name, text) in passes {
        if text == before {
            writeln!(out, "; {name}: no change\n")?;
        } else {
            writeln!(out, "; {name}\n{text}")?;
        }
        before = text;
    }
    Ok(())
}

/// What each description matches.
fn dump_probes(invocation: &Invocation, kernel: &LiveKernel, parsed: &Parsed) -> Result<u8, Error> {
    write_out(invocation, |out| {
        for description in parsed.descriptions() {
            let pattern = ProbePattern::from(description);
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
