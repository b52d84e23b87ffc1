//! Programs as they were given, to the syntax tree and to the object.
//!
//! In: scripts and texts of the command line, options, macros. Out: one [`Source`] with all
//! of them, its diagnostics shown in the style of the name that we were called by. Decides
//! which text an option of the program itself can still change.

use crate::cli::{Invocation, ProgramText, Stage, Task};
use crate::error::Error;
use crate::kernel::LiveKernel;
use crate::libraries;
use crate::list;
use crate::options::Options;
use crate::preprocess::{self, PreprocessError};
use crate::process;
use crate::session;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use strand_compiler::check::KnownTypes;
use strand_compiler::kernel::Kernel;
use strand_compiler::options::Options as CompilerOptions;
use strand_compiler::typed::Reliance;
use strand_compiler::{Compiled, compile};
use strand_grammar::ast::{Clause, Item, Pragma, ProbeDescription, Program};
use strand_grammar::diagnostic::{Diagnostic, render, render_dtrace_style};
use strand_grammar::macros::Macros;
use strand_grammar::source::{SourceId, SourceKind, Sources, Span};
use strand_grammar::{ProbeSpec, Unit, UnitKind, strict};

/// Diagnostics that are shown at once: nobody reads more before mending the first.
const MOST_SHOWN: usize = 20;

/// Parsed programs.
#[derive(Debug)]
pub struct Parsed {
    /// All texts.
    pub sources: Sources,
    /// Those of the user, in order.
    pub units: Vec<Unit>,
    /// The syntax of all of them.
    pub program: Program,
    /// What is wrong so far.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads and parses all programs of an invocation. Options that they set are set.
pub fn parse(
    invocation: &Invocation,
    options: &mut Options,
    kernel: &LiveKernel,
    target: i32,
) -> Result<Parsed, Error> {
    let mut sources = Sources::new();
    let libraries = libraries::read(options, kernel, &mut sources)?;
    let mut units = Vec::new();
    for program in &invocation.programs {
        units.push(read(program, invocation, options, &mut sources)?);
    }
    let defaultargs = units.iter().any(|u| {
        let text = &sources.get(u.source).text;
        text.lines().any(|l| l.trim_start().starts_with('#') && l.contains("option defaultargs"))
    });
    let macros = Macros {
        numbers: process::macros(),
        target: target.into(),
        name: match invocation.programs.first() {
            Some(ProgramText::Script(path)) => path.display().to_string(),
            _ => invocation.name.to_owned(),
        },
        args: invocation.args.clone(),
        pspec: options.on("pspec"),
        defaultargs: defaultargs || options.on("defaultargs"),
        late: matches!(invocation.task, Task::Build(_)),
        ..Macros::default()
    };
    let all: Vec<Unit> = libraries.iter().chain(&units).copied().collect();
    let (program, mut diagnostics) =
        strand_grammar::parse(&sources, &all, &KnownTypes::new(kernel), &macros);
    set_options(&program, options, &mut diagnostics);
    if options.on("empty") {
        diagnostics.retain(|d| d.code != "D_EMPTY");
    }
    if !options.on("argref") && !diagnostics.iter().any(Diagnostic::is_error) {
        let used = macros.used.borrow();
        // As dtrace(1) has it, who uses the last one knows of those before it.
        let last = macros.args.last().map(|text| (macros.args.len(), text));
        if let Some((n, text)) = last.filter(|(n, _)| !used.contains(n)) {
            let message = format!("the program doesn't use the argument '{text}'");
            let d = Diagnostic::general("D_MACRO_UNUSED", message)
                .classic(format!("extraneous argument '{text}' (${n} is not referenced)"))
                .hint("-x argref allows it");
            let end = units.last().map(|u| {
                let end = sources.get(u.source).text.len();
                Span::new(u.source, end..end)
            });
            diagnostics.push(Diagnostic { classic_place: end, ..d });
        }
    }
    Ok(Parsed { sources, units, program, diagnostics })
}

/// Registers a program's text.
fn read(
    program: &ProgramText,
    invocation: &Invocation,
    options: &Options,
    sources: &mut Sources,
) -> Result<Unit, Error> {
    let (name, mut text, kind) = match program {
        ProgramText::Script(path) => {
            (path.display().to_string(), read_script(path)?, SourceKind::Script)
        }
        ProgramText::Text(text) | ProgramText::Probe(_, text) => {
            ("<command line>".to_owned(), text.clone(), SourceKind::CommandLine)
        }
    };
    // Not what dtrace(1) takes as `-n` and the like: there it wants files only.
    if options.on("cpp") && !matches!(program, ProgramText::Probe(..)) {
        text = match preprocess::run(options, invocation.name, &name, &text) {
            Err(PreprocessError::Failed(_)) => {
                if invocation.name == "dtrace" {
                    let what = complaint(program);
                    eprintln!("dtrace: {what}: Preprocessor failed to process input program");
                }
                return Err(Error::Program);
            }
            done => done?,
        };
    }
    let unit = match program {
        ProgramText::Probe(spec, _) => UnitKind::Probe(*spec),
        _ => UnitKind::Script,
    };
    Ok(Unit { source: sources.add(name, text, kind), kind: unit })
}

fn read_script(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(failed)?;
        bytes
    } else {
        std::fs::read(path).map_err(failed)?
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Sets the options that the program asks for.
fn set_options(program: &Program, options: &mut Options, diagnostics: &mut Vec<Diagnostic>) {
    for item in &program.items {
        let Item::Pragma(Pragma::Option { name, value, span }) = item else { continue };
        if let Err(error) = options.set_inside(name, value.as_deref()) {
            let to = value.as_deref().map_or(String::new(), |v| format!(" to '{v}'"));
            let mut d = Diagnostic::error("D_PRAGMA_OPTSET", *span, error.to_string())
                .classic(format!("failed to set option '{name}'{to}: {}", error.classic()));
            d.hint = error.hint();
            diagnostics.push(d);
        }
    }
    diagnostics.sort_by_key(|d| d.primary.as_ref().map(|p| (p.span.source.0, p.span.start)));
}

impl Parsed {
    /// The clauses of one of the programs.
    fn clauses(&self, source: SourceId) -> impl Iterator<Item = &Clause> {
        self.program.items.iter().filter_map(move |item| match item {
            Item::Clause(clause) if clause.span.source == source => Some(clause),
            _ => None,
        })
    }

    /// Says of what is wrong where a macro has no value yet that it can be given one.
    fn explain_late(&self, diagnostics: &mut [Diagnostic], invocation: &Invocation) {
        if !matches!(invocation.task, Task::Build(_)) {
            return;
        }
        for d in diagnostics.iter_mut().filter(|d| d.is_error()) {
            let Some(span) = d.primary.as_ref().map(|p| p.span) else { continue };
            let source = &self.sources.get(span.source);
            let here = source.text.get(span.start as usize..span.end as usize).unwrap_or_default();
            if here.contains('$') {
                d.hint = Some(
                    "a macro has its value only when the program runs; an argument can be given \
                     when it is built: `strand build SCRIPT ARGS`"
                        .to_owned(),
                );
            }
        }
    }

    /// Compiles them. Diagnostics of all stages are shown.
    pub fn compile(
        &mut self,
        invocation: &Invocation,
        options: &Options,
        kernel: &LiveKernel,
    ) -> Result<Compiled, Error> {
        let all = std::mem::take(&mut self.diagnostics);
        // What isn't used is no matter while there is something wrong.
        let (unused, mut diagnostics): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|d| d.code == "D_MACRO_UNUSED");
        let only_d = options.on("strict");
        // What is wrong with the syntax makes names look wrong too; a call of what has no name
        // is but a mistake among others.
        let syntax = diagnostics.iter().all(|d| !d.is_error() || d.code == "D_FUNC_IDENT");
        let mut compiled = None;
        if syntax {
            let portable = matches!(invocation.task, Task::Build(_));
            let keep_passes = invocation.task == Task::Dump(Stage::Passes);
            let resolved = invocation.task == Task::Trace;
            let options =
                CompilerOptions { portable, resolved, keep_passes, ..options.for_compiler() };
            let (done, more) = compile(&self.program, &mut self.sources, kernel, &options);
            compiled = done.filter(|_| diagnostics.is_empty());
            if !diagnostics.is_empty() {
                diagnostics.extend(more);
                diagnostics.sort_by_key(|d| d.primary.as_ref().map(|p| self.line(p.span)));
            } else {
                diagnostics = more;
            }
        }
        if only_d {
            // They are no reason to look no further.
            let extensions = strict::extensions(&self.sources);
            compiled = compiled.filter(|_| extensions.is_empty());
            diagnostics.extend(extensions);
            diagnostics
                .sort_by_key(|d| d.primary.as_ref().map(|p| (p.span.source.0, p.span.start)));
        }
        if !diagnostics.iter().any(Diagnostic::is_error) {
            compiled = compiled.filter(|_| unused.is_empty());
            diagnostics.extend(unused);
        }
        self.explain_late(&mut diagnostics, invocation);
        self.show(&diagnostics, invocation, options);
        compiled.ok_or(Error::Program)
    }

    /// Source and line.
    fn line(&self, span: Span) -> (u32, usize) {
        (span.source.0, self.sources.get(span.source).place(span.start).1)
    }

    /// All probe descriptions of the user's programs, in order.
    pub fn descriptions(&self) -> impl Iterator<Item = &ProbeDescription> {
        self.units.iter().flat_map(|u| self.clauses(u.source)).flat_map(|c| &c.probes)
    }

    /// How many probes the descriptions of each program match: the lines that tracing
    /// begins with.
    pub fn matched(&self, invocation: &Invocation, kernel: &LiveKernel) -> Vec<String> {
        let lines = self.units.iter().zip(&invocation.programs).map(|(unit, program)| {
            let descriptions = self.clauses(unit.source).flat_map(|c| &c.probes);
            let count: usize =
                descriptions.map(|d| kernel.probes(&d.into()).map_or(0, |p| p.len())).sum();
            let (kind, name) = called(program);
            let s = if count == 1 { "" } else { "s" };
            format!("{kind} '{name}' matched {count} probe{s}")
        });
        lines.collect()
    }

    /// Writes how stable each program is: what `-v` of dtrace(1) reports.
    pub fn stability(
        &self,
        invocation: &Invocation,
        compiled: &Compiled,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        for (unit, program) in self.units.iter().zip(&invocation.programs) {
            let own = compiled.stability.iter().filter(|(span, _)| span.source == unit.source);
            let all = own.fold(Reliance::default(), |all, (_, clause)| all.least(*clause));
            let (kind, name) = called(program);
            writeln!(out, "\nStability attributes for {kind} {name}:")?;
            list::attributes("Minimum Probe Description", all.description, out)?;
            list::attributes("Minimum Statement", all.statements, out)?;
        }
        Ok(())
    }

    /// Shows diagnostics on stderr; whether any is an error.
    pub fn show(
        &self,
        diagnostics: &[Diagnostic],
        invocation: &Invocation,
        options: &Options,
    ) -> bool {
        let mut text = String::new();
        if invocation.name == "dtrace" {
            // Where it is compared with dtrace(1), which stops at the first error, so do we.
            let most = if session::testing() { 1 } else { usize::MAX };
            for d in diagnostics.iter().take(most) {
                let place = d.primary.as_ref().map(|p| p.span).or(d.classic_place);
                let unit =
                    self.units.iter().position(|u| Some(u.source) == place.map(|p| p.source));
                let program = invocation.programs.get(unit.unwrap_or(0));
                let what = program.map_or("failed".to_owned(), complaint);
                let line = render_dtrace_style(&self.sources, d, options.on("errtags"));
                text += &format!("dtrace: {what}: {line}\n");
            }
        } else {
            let shown = &diagnostics[..diagnostics.len().min(MOST_SHOWN)];
            text = render(&self.sources, shown, std::io::stderr().is_terminal());
            if diagnostics.len() > MOST_SHOWN {
                text += &format!("{} more errors are not shown\n", diagnostics.len() - MOST_SHOWN);
            }
        }
        eprint!("{text}");
        diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// What dtrace(1) begins a message about a program with.
fn complaint(program: &ProgramText) -> String {
    match program {
        ProgramText::Script(path) => format!("failed to compile script {}", path.display()),
        ProgramText::Text(t) | ProgramText::Probe(_, t) => format!("invalid probe specifier {t}"),
    }
}

/// What kind of program it is, and its name.
fn called(program: &ProgramText) -> (&'static str, String) {
    match program {
        ProgramText::Script(path) => ("script", path.display().to_string()),
        ProgramText::Text(text) => ("description", first_description(text).to_owned()),
        ProgramText::Probe(spec, text) => (kind(*spec), first_description(text).to_owned()),
    }
}

/// What dtrace(1) calls the text of a letter.
fn kind(spec: ProbeSpec) -> &'static str {
    match spec {
        ProbeSpec::Name | ProbeSpec::Id => "description",
        ProbeSpec::Function => "function",
        ProbeSpec::Module => "module",
        ProbeSpec::Provider => "provider",
    }
}

/// The description that a text begins with.
fn first_description(text: &str) -> &str {
    let end = text.find(['/', '{']).unwrap_or(text.len());
    text[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<(Parsed, Options), Error> {
        let mut options = Options::default();
        let mut invocation = Invocation::new("strand");
        invocation.programs.push(ProgramText::Text(text.to_owned()));
        invocation.args = vec!["one".to_owned()];
        // A kernel without types: a file that isn't there would do as well.
        let kernel = LiveKernel::without_types();
        parse(&invocation, &mut options, &kernel, 0).map(|parsed| (parsed, options))
    }

    #[test]
    fn programs_set_options() {
        let text = "#pragma D option strsize=17\nBEGIN { trace($$1); }";
        let Ok((parsed, options)) = parse_text(text) else { panic!("it doesn't parse") };
        assert_eq!((parsed.diagnostics.len(), options.number("strsize")), (0, Some(17)));
        assert_eq!(parsed.descriptions().count(), 1);
    }

    #[test]
    fn wrong_options_are_diagnostics() {
        let text = "#pragma D option strsiz=17\nBEGIN { trace($$1); }";
        let Ok((parsed, _)) = parse_text(text) else { panic!("it doesn't parse") };
        insta::assert_snapshot!(render(&parsed.sources, &parsed.diagnostics, false), @r"
        error[D_PRAGMA_OPTSET]: there is no option strsiz
          --> <command line>:1:1
          |
        1 | #pragma D option strsiz=17
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^
          = help: is strsize meant?
        ");
    }

    #[test]
    fn all_arguments_are_used() {
        let wrong = |text: &str| {
            let Ok((parsed, _)) = parse_text(text) else { panic!("it doesn't parse") };
            parsed.diagnostics.into_iter().map(|d| d.code).collect::<Vec<_>>()
        };
        assert_eq!(wrong("BEGIN { trace(1); }"), ["D_MACRO_UNUSED"]);
        assert!(wrong("#pragma D option argref\nBEGIN { trace(1); }").is_empty());
    }

    #[test]
    fn the_description_of_a_text() {
        assert_eq!(first_description("BEGIN /x/ {}"), "BEGIN");
        assert_eq!(first_description("io:::start,\nio:::done { }"), "io:::start,\nio:::done");
    }
}
