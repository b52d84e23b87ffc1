//! D's syntax and what a kernel says of itself, to one relocatable BPF object.
//!
//! In: a [`strand_grammar::ast::Program`], a [`kernel::Kernel`], [`options::Options`].
//! Out: [`Compiled`]: the object, its manifest, and the stages on the way for whoever
//! wants to look at them. The crate is pure: it opens no file and makes no system call;
//! all that it learns of a kernel comes through the trait.
//!
//! The pipeline: `check` (names, types, probes; typed clauses in `typed`) → `lower` (IR,
//! maps, records; each built-in in `builtins`) → `ir::passes` → `bpf` (instructions,
//! registers, stack) → `object` (ELF, BTF, CO-RE).

pub mod bpf;
pub mod btf;
pub mod buckets;
pub mod builtins;
pub mod bytes;
pub mod check;
mod elsewhere;
mod enabling;
pub mod fixture;
pub mod ir;
pub mod kernel;
pub mod lower;
pub mod manifest;
mod names;
pub mod object;
pub mod options;
mod pieces;
pub mod prototype;
mod stdlib;
mod translator;
pub mod typed;
pub mod types;

use kernel::Kernel;
use manifest::Manifest;
use options::Options;
use strand_grammar::ast;
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::{Sources, Span};

/// A compiled program.
#[derive(Debug)]
pub struct Compiled {
    /// The ELF file, with the manifest in it.
    pub object: object::Object,
    /// What the runtime needs to know.
    pub manifest: Manifest,
    /// The IR after all passes.
    pub ir: ir::Module,
    /// The IR as it was lowered and after each pass, with the name of that, if
    /// [`Options::keep_passes`] asks for it.
    pub passes: Vec<(&'static str, String)>,
    /// The instructions.
    pub code: bpf::Code,
    /// Where the program does something destructive, with the name of what it calls.
    pub destructive: Vec<(Span, String)>,
    /// How stable each clause is, and where it stands.
    pub stability: Vec<(Span, typed::Reliance)>,
}

/// Compiles a program. With errors among the diagnostics there is no object.
pub fn compile(
    program: &ast::Program,
    sources: &mut Sources,
    kernel: &dyn Kernel,
    options: &Options,
) -> (Option<Compiled>, Vec<Diagnostic>) {
    let (typed, mut diagnostics) = check::check(program, sources, kernel, options);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return (None, diagnostics);
    }
    match compile_typed(&typed, sources, kernel, options) {
        Ok(compiled) => (Some(compiled), diagnostics),
        Err(d) => {
            diagnostics.push(d);
            (None, diagnostics)
        }
    }
}

/// Compiles checked clauses.
pub fn compile_typed(
    program: &typed::Program,
    sources: &Sources,
    kernel: &dyn Kernel,
    options: &Options,
) -> Result<Compiled, Diagnostic> {
    let too_big = |what: String| {
        Diagnostic::general("D_CODEGEN", format!("the program can't be made into BPF: {what}"))
            .hint("fewer or simpler clauses, smaller strings (-x strsize=…) or tuples need less")
    };
    let (mut ir, mut manifest) = lower::lower(program, sources, kernel, options);
    if let Some(lower::ThreadOverflow { size, limit }) = lower::thread_overflow(&ir, kernel) {
        let message =
            format!("thread-local variables take {size} bytes, and a thread can have {limit}");
        return Err(Diagnostic::general("D_CODEGEN", message)
            .hint("fewer of them, or smaller strings (-x strsize=…), need less"));
    }
    let mut passes = Vec::new();
    if options.keep_passes {
        ir::passes::optimise_and_show(&mut ir, |name, ir| passes.push((name, ir.to_string())));
    } else {
        ir::passes::optimise(&mut ir);
    }
    let volumes = ir::volume::of_programs(&ir);
    for program in &mut manifest.programs {
        program.volume = volumes.get(program.name.as_str()).copied().unwrap_or_default();
    }
    let code =
        bpf::compile(&mut ir, &bpf::Options::default()).map_err(|e| too_big(e.to_string()))?;
    let target =
        if options.resolved { object::Target::ThisKernel } else { object::Target::AnyKernel };
    let object = object::write(&ir, &code, &manifest, kernel, sources, target)
        .map_err(|e| too_big(e.to_string()))?;
    let stability = program.clauses.iter().copied().zip(program.stability.iter().copied());
    Ok(Compiled {
        object,
        manifest,
        ir,
        passes,
        code,
        destructive: program.destructive.clone(),
        stability: stability.collect(),
    })
}
