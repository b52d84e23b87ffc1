//! Syntax to typed clauses.
//!
//! In: the syntax tree of the script and of the standard library, a kernel, options.
//! Out: a [`typed::Program`] and diagnostics. Decides what every name, type, probe and
//! conversion means, and refuses what D refuses.
//!
//! Items are taken in the order they were written, since a D name means something from
//! its first assignment on. A clause is checked once for each context that makes a
//! difference to it: one that doesn't look at its arguments is checked once, whatever
//! number of probes it has. Errors are gathered; what an error leaves without a meaning
//! gets the type [`Basic::bad`], which agrees with everything and so causes no further
//! ones.

mod action;
mod aggregate;
mod args;
mod assign;
mod binary;
mod call;
mod convert;
mod declare;
mod effect;
mod expr;
mod format;
mod inline;
mod kernel_types;
mod name;
mod order;
mod place;
mod pragma;
mod record;
mod registers;
mod show;
mod stability;
mod statement;
mod symbol;
#[cfg(test)]
mod tests;
mod typetext;
pub(crate) mod value;
mod version;

use crate::builtins;
use crate::enabling::{Dependence, Plan};
use crate::kernel::{Kernel, ProbeArg};
use crate::names::Names;
use crate::options::Options;
use crate::pieces;
use crate::stdlib::Library;
use crate::translator::Translator;
use crate::typed::{self, LocalId};
use crate::types::{Space, Type, TypeId, Types};
use kernel_types::KernelTypes;
use rustc_hash::{FxHashMap, FxHashSet};
use stability::Stabilities;
use std::rc::Rc;
use strand_grammar::ast::{self, Item};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::{SourceKind, Sources, Span};
use strand_grammar::stability::Attributes;
use value::Value;

pub use names_of_types::KnownTypes;
mod names_of_types;

/// Checks a program against a kernel. The program is whole even if there are errors;
/// only without any is it fit for lowering.
pub fn check(
    program: &ast::Program,
    sources: &mut Sources,
    kernel: &dyn Kernel,
    options: &Options,
) -> (typed::Program, Vec<Diagnostic>) {
    let mut widths = Widths::default();
    loop {
        let (typed, diagnostics, wider) = check_with(program, sources, kernel, options, &widths);
        if wider.is_empty() {
            return (typed, diagnostics);
        }
        widths.extend(wider);
    }
}

/// Bytes that integers take in variables without a declaration (by name, as written) and in keys (by
/// name and place), where that is more than what comes first: `n = 0` in BEGIN says nothing of what
/// will be added to it. DTrace's have always held 64 bits, whatever it took for their type.
type Widths = FxHashMap<(String, Option<usize>), u32>;

/// Checks a program of whose variables these widths are known. What else was found to be wider makes
/// all that was found out about uses of it wrong.
fn check_with(
    program: &ast::Program,
    sources: &mut Sources,
    kernel: &dyn Kernel,
    options: &Options,
    widths: &Widths,
) -> (typed::Program, Vec<Diagnostic>, Widths) {
    let mut checker = Checker::new(sources, kernel, options, widths);
    let clauses: Vec<&ast::Clause> = program
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Clause(clause) => Some(clause),
            _ => None,
        })
        .collect();
    let mut plan = Plan::new(&clauses, &mut checker);
    let mut index = 0;
    for item in &program.items {
        match item {
            Item::Clause(clause) => {
                plan.check_clause(&mut checker, index, clause);
                index += 1;
            }
            other => checker.item(other),
        }
    }
    checker.unused_pragmas(&program.items);
    let enablings = plan.enablings();
    for problem in effect::misplaced_returns(&enablings) {
        checker.report(problem);
    }
    let Checker {
        types,
        variables,
        aggregations,
        mut diagnostics,
        destructions,
        stabilities,
        unwritable,
        wider,
        ..
    } = checker;
    // DTrace finds these out when it makes code, after all else that is wrong.
    diagnostics.sort_by_key(|d| {
        d.code == "D_OP_WRITE" && d.primary.as_ref().is_some_and(|at| unwritable.contains(&at.span))
    });
    let stability = stabilities.clauses;
    let aggregations = aggregations.into_iter().map(|a| a.typed).collect();
    let clauses = clauses.iter().map(|c| c.span).collect();
    let destructive = destructions;
    let probes = enablings.iter().flat_map(|e| &e.sites).map(|site| &site.probe);
    let probe_fields = builtins::longest_fields(probes);
    let enablings = pieces::cut(enablings, &variables);
    let program = typed::Program {
        types,
        variables,
        aggregations,
        clauses,
        enablings,
        probe_fields,
        destructive,
        stability,
    };
    (program, diagnostics, wider)
}

/// Types that the checker itself speaks of.
#[derive(Clone, Copy)]
pub(crate) struct Basic {
    /// Of whatever an error left without a meaning.
    pub bad: TypeId,
    pub void: TypeId,
    pub char: TypeId,
    pub int: TypeId,
    pub unsigned_int: TypeId,
    pub long: TypeId,
    pub unsigned_long: TypeId,
    pub int64: TypeId,
    pub size: TypeId,
    pub ptrdiff: TypeId,
    pub uintptr: TypeId,
    pub string: TypeId,
    pub void_pointer: TypeId,
    /// Of an aggregation in an expression, and of an aggregating function's call.
    pub aggregation: TypeId,
    /// Of a translated struct, or a pointer to one, where a value is wanted.
    pub translated: TypeId,
}

impl Basic {
    fn new(types: &mut Types) -> Self {
        let mut integer = |name: &str, bytes, signed| {
            types.intern(Type::Integer { name: name.to_owned(), bytes, signed })
        };
        let char = integer("char", 1, true);
        let int = integer("int", 4, true);
        let unsigned_int = integer("unsigned int", 4, false);
        let long = integer("long", 8, true);
        let unsigned_long = integer("unsigned long", 8, false);
        let mut named = |name: &str, to| types.intern(Type::Typedef { name: name.to_owned(), to });
        let bad = named("(unknown)", long);
        let int64 = named("int64_t", long);
        let size = named("size_t", unsigned_long);
        let ptrdiff = named("ptrdiff_t", long);
        let uintptr = named("uintptr_t", unsigned_long);
        let void = types.intern(Type::Void);
        let void_pointer = types.intern(Type::Pointer { to: void, space: Space::Kernel });
        let mut dynamic =
            |name: &str| types.intern(Type::Typedef { name: name.to_owned(), to: void });
        let (aggregation, translated) = (dynamic("(aggregation)"), dynamic("(translated)"));
        Basic {
            bad,
            void,
            char,
            int,
            unsigned_int,
            long,
            unsigned_long,
            int64,
            size,
            ptrdiff,
            uintptr,
            string: types.intern(Type::String),
            void_pointer,
            aggregation,
            translated,
        }
    }
}

/// What the clause that is being checked runs in.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Types of `args[]`.
    pub args: Rc<[ProbeArg]>,
    /// What `argN` is, if not the event's own words.
    pub site_args: Rc<[String]>,
    /// Without which the event doesn't fire the probe.
    pub when: Option<Rc<str>>,
    /// The probe, for messages.
    pub probe: String,
}

/// Where in the program the checker is.
#[derive(Default)]
pub(crate) struct Env {
    /// `None`: outside of clauses, or in one whose probes aren't known.
    pub context: Option<Context>,
    /// In a clause, whether or not its probes are known.
    pub in_clause: bool,
    /// What the clause depends on, as far as was seen.
    pub dependence: Dependence,
    /// Parameters of the inline or translator that is being expanded.
    pub bindings: Vec<(String, Value)>,
    /// `argN` is the event's own word: in a site's own expressions.
    pub raw_args: bool,
    /// The inlines and translators that are being expanded: their definitions.
    pub expanding: Vec<Span>,
    /// Where the outermost of them was used.
    pub used_at: Option<Span>,
    /// Loops around this place.
    pub loops: u32,
    /// Speculation and recording so far in this clause.
    pub order: order::Order,
    /// The least stable of what was used so far in this clause.
    pub stability: Attributes,
    /// Within something that the script has given attributes.
    pub vouched_for: bool,
}

/// An aggregation with what its uses must agree with.
pub(crate) struct KnownAggregation {
    pub typed: typed::Aggregation,
    /// The aggregating function's name as written.
    pub function: &'static str,
}

/// All that is known while checking.
pub(crate) struct Checker<'a> {
    pub kernel: &'a dyn Kernel,
    pub options: &'a Options,
    pub sources: &'a mut Sources,
    pub types: Types,
    pub kernel_types: KernelTypes,
    pub basic: Basic,
    pub names: Names,
    pub typedefs: FxHashMap<String, TypeId>,
    /// Structs, unions and enums of the script by keyword and tag.
    pub tags: FxHashMap<(&'static str, String), TypeId>,
    pub type_texts: FxHashMap<String, Option<TypeId>>,
    pub site_exprs: FxHashMap<String, Option<Rc<ast::Expr>>>,
    pub member_paths: FxHashMap<(crate::types::RecordId, String), Option<Rc<[place::PathStep]>>>,
    pub variables: Vec<typed::Variable>,
    /// By variable: it was assigned a pointer to memory that isn't the clause's own.
    pub holds_kernel: Vec<bool>,
    /// Of variables without a declaration, as far as they are known.
    pub widths: &'a Widths,
    /// Those that were found to be wider.
    pub wider: Widths,
    /// Those of which a cast says which type is meant.
    pub stated: FxHashSet<(String, Option<usize>)>,
    /// Variables without a declaration.
    pub undeclared: FxHashSet<typed::VariableId>,
    pub aggregations: Vec<KnownAggregation>,
    pub aggregation_names: FxHashMap<String, typed::AggregationId>,
    /// Names that would be aggregations but for an error that was reported.
    pub aggregations_in_error: FxHashSet<String>,
    pub translators: Vec<Rc<Translator>>,
    pub library: Library,
    pub env: Env,
    pub diagnostics: Vec<Diagnostic>,
    /// Where memory is written to that isn't the program's own.
    pub unwritable: FxHashSet<Span>,
    /// Where something destructive is done, with the function's name.
    pub destructions: Vec<(Span, String)>,
    reported: FxHashSet<(&'static str, Option<Span>, String)>,
    /// Errors so far, those among them that were reported before.
    errors: usize,
    /// The version of D that the program asks for.
    version: Option<(u32, u32, u32)>,
    /// What was used as a value in this statement and has none: see `value`.
    valueless: Vec<Diagnostic>,
    locals: u32,
    stabilities: Stabilities,
}

impl<'a> Checker<'a> {
    fn new(
        sources: &'a mut Sources,
        kernel: &'a dyn Kernel,
        options: &'a Options,
        widths: &'a Widths,
    ) -> Self {
        let mut types = Types::new(options.strsize);
        let basic = Basic::new(&mut types);
        let mut checker = Checker {
            kernel,
            options,
            sources,
            types,
            kernel_types: KernelTypes::default(),
            basic,
            names: Names::default(),
            typedefs: FxHashMap::default(),
            tags: FxHashMap::default(),
            type_texts: FxHashMap::default(),
            site_exprs: FxHashMap::default(),
            member_paths: FxHashMap::default(),
            variables: Vec::new(),
            holds_kernel: Vec::new(),
            widths,
            wider: Widths::default(),
            stated: FxHashSet::default(),
            undeclared: FxHashSet::default(),
            aggregations: Vec::new(),
            aggregation_names: FxHashMap::default(),
            aggregations_in_error: FxHashSet::default(),
            translators: Vec::new(),
            library: Library::new(),
            env: Env::default(),
            diagnostics: Vec::new(),
            unwritable: FxHashSet::default(),
            destructions: Vec::new(),
            reported: FxHashSet::default(),
            errors: 0,
            version: None,
            valueless: Vec::new(),
            locals: 0,
            stabilities: Stabilities::default(),
        };
        checker.predeclare();
        checker
    }

    /// Adds a diagnostic, once: a clause is checked in several contexts, an inline
    /// expanded in several places.
    pub fn report(&mut self, mut diagnostic: Diagnostic) {
        let span = diagnostic.primary.as_ref().map(|l| l.span);
        self.errors += usize::from(diagnostic.is_error());
        if !self.reported.insert((diagnostic.code, span, diagnostic.message.clone())) {
            return;
        }
        if let Some(used) = self.env.used_at
            && Some(used) != span
        {
            diagnostic = diagnostic.label(used, "used here");
        }
        self.diagnostics.push(diagnostic);
    }

    /// Does something without reporting its errors; whether there were none.
    pub fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> (T, bool) {
        let reported = std::mem::take(&mut self.reported);
        let (before, errors) = (self.diagnostics.len(), self.errors);
        let valueless = self.valueless.len();
        let result = f(self);
        let fine = !self.diagnostics[before..].iter().any(Diagnostic::is_error);
        self.diagnostics.truncate(before);
        self.valueless.truncate(valueless);
        self.errors = errors;
        self.reported = reported;
        (result, fine)
    }

    /// A fresh temporary.
    pub fn local(&mut self) -> LocalId {
        self.locals += 1;
        LocalId(self.locals)
    }

    /// Whether this is the type of something that an error was reported for.
    pub fn is_bad(&self, ty: TypeId) -> bool {
        ty == self.basic.bad
    }

    pub fn text(&self, ty: TypeId) -> String {
        self.types.text(ty)
    }

    pub fn pointer_to(&mut self, to: TypeId, space: Space) -> TypeId {
        if self.is_bad(to) {
            return to;
        }
        self.types.intern(Type::Pointer { to, space })
    }

    /// The span that code made here should carry: what the user wrote, where a library
    /// definition is being expanded.
    pub fn at(&self, span: Span) -> Span {
        match self.env.used_at {
            Some(used) if self.sources.get(span.source).kind == SourceKind::Library => used,
            _ => span,
        }
    }

    /// Whether a node is the library's: it may use what a strict script may not.
    pub fn in_library(&self, span: Span) -> bool {
        self.sources.get(span.source).kind == SourceKind::Library
    }

    /// An extension of ours is an error where only D is wanted.
    pub fn extension(&mut self, span: Span, what: &str) {
        if self.options.strict && !self.in_library(span) {
            self.report(
                Diagnostic::error("D_SYNTAX", span, format!("{what} is not part of D"))
                    .hint(strand_grammar::strict::HINT),
            );
        }
    }

    /// Anything at the outermost level that isn't a clause.
    pub fn item(&mut self, item: &Item) {
        self.settled(|c| c.declares(item));
    }

    fn declares(&mut self, item: &Item) {
        match item {
            Item::Clause(_) => {}
            Item::Declaration(d) => self.declaration(d),
            Item::Inline(inline) => self.inline(inline),
            Item::Translator(t) => self.translator(t),
            Item::Provider(p) => self.provider(p),
            Item::Pragma(p) => {
                self.asked_version(p);
                self.pragma(p);
            }
        }
    }

    /// A provider's declaration: the types in it must be types; its probes appear when a
    /// process has them.
    fn provider(&mut self, provider: &ast::ProviderDeclaration) {
        if provider.name.name.ends_with(|c: char| c.is_ascii_digit()) {
            self.report(
                Diagnostic::error(
                    "D_PROV_BADNAME",
                    provider.name.span,
                    "a provider's name can't end in a digit",
                )
                .note("Process ids are put behind the name of such a provider."),
            );
        }
        let mut seen: FxHashMap<&str, Span> = FxHashMap::default();
        for probe in &provider.probes {
            if let Some(first) = seen.insert(&probe.name.name, probe.name.span) {
                self.report(
                    Diagnostic::error(
                        "D_PROV_PRDUP",
                        probe.name.span,
                        format!("probe `{}` is declared twice", probe.name.name),
                    )
                    .label(first, "first here"),
                );
            }
            for parameter in probe.native.iter().chain(probe.translated.iter().flatten()) {
                self.type_name(&parameter.ty);
            }
        }
    }
}
