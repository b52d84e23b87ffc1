//! How stable a clause is: the least of all that it uses.
//!
//! In: uses of built-ins, kernel symbols, kernel types, arguments, the script's own names.
//! Out: attributes of each clause and of its probes' descriptions; an error where they are
//! less than the program asks for (`-x amin`). What the library is made of doesn't count:
//! its names are the promise.

use super::Checker;
use crate::builtins;
use crate::kernel::{Probe, ProbePattern};
use crate::typed::{Reliance, VariableId};
use rustc_hash::FxHashMap;
use strand_grammar::ast::ProbeDescription;
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;
use strand_grammar::stability::Attributes;

/// What sets the limit.
const LIMIT: &str = "-x amin, or `#pragma D option amin`, says how stable a program has to be";

/// What is known of stability while checking.
#[derive(Debug, Default)]
pub(crate) struct Stabilities {
    /// By clause.
    pub clauses: Vec<Reliance>,
    /// Of names that the program gives attributes.
    given: FxHashMap<String, Attributes>,
    /// Of variables, by what was assigned to them, if less than stable.
    variables: FxHashMap<VariableId, Attributes>,
}

impl Checker<'_> {
    /// Notes that the clause uses this. `what` is for the message.
    pub(super) fn relies_on(&mut self, attributes: Attributes, what: &str, span: Span) {
        if self.in_library(span) {
            return;
        }
        self.env.stability = self.env.stability.least(attributes);
        if !self.env.vouched_for {
            self.demand(attributes, what, span, LIMIT);
        }
    }

    /// Reports what is less stable than the program may be.
    fn demand(&mut self, attributes: Attributes, what: &str, span: Span, hint: &str) {
        let Some(least) = self.options.least_stable else { return };
        if attributes.suffices(least) {
            return;
        }
        let message = format!("{what} is less stable than {least}");
        self.report(
            Diagnostic::error("D_ATTR_MIN", span, message)
                .here(format!("this is {attributes}"))
                .hint(hint)
                .classic(format!(
                    "attributes for {what} ({attributes}) are less than predefined minimum"
                )),
        );
    }

    /// A built-in variable or function of D.
    pub(super) fn relies_on_builtin(&mut self, name: &str, span: Span) {
        self.relies_on(builtins::stability(name), &format!("`{name}`"), span);
    }

    /// A type of the kernel's.
    pub(super) fn relies_on_type(&mut self, name: &str, span: Span) {
        self.relies_on(Attributes::HIDDEN, &format!("`{name}`"), span);
    }

    /// A variable of the script's.
    pub(super) fn relies_on_variable(&mut self, id: VariableId, name: &str, span: Span) {
        if let Some(attributes) = self.stabilities.variables.get(&id) {
            self.relies_on(*attributes, &format!("`{name}`"), span);
        }
    }

    /// Does something on behalf of a name of the script's; if the script has given it
    /// attributes, these count and not what it is made of.
    pub(super) fn relying_on<T>(
        &mut self,
        name: &str,
        span: Span,
        f: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let Some(given) = self.stabilities.given.get(name).copied() else { return f(self) };
        let result = self.defining(name, f);
        self.relies_on(given, &format!("`{name}`"), span);
        result
    }

    /// Looks at what a name of the script's is made of: nothing to report if the script
    /// vouches for the name.
    pub(super) fn defining<T>(&mut self, name: &str, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = (self.env.stability, self.env.vouched_for);
        self.env.vouched_for |= self.stabilities.given.contains_key(name);
        let result = f(self);
        (self.env.stability, self.env.vouched_for) = outer;
        result
    }

    /// Evaluates what is assigned; its stability becomes the variable's.
    pub(super) fn measured<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> (T, Attributes) {
        let outer = std::mem::replace(&mut self.env.stability, Attributes::STABLE);
        let result = f(self);
        let own = self.env.stability;
        self.env.stability = outer.least(own);
        (result, own)
    }

    /// A variable gets a value of this stability.
    pub(super) fn assigned_stability(&mut self, id: VariableId, attributes: Attributes) {
        if attributes != Attributes::STABLE {
            let known = self.stabilities.variables.entry(id).or_insert(Attributes::STABLE);
            *known = known.least(attributes);
        }
    }

    /// `#pragma D attributes`
    pub(super) fn give_attributes(&mut self, args: &[String]) {
        let [attributes, name, ..] = args else { return };
        if let Ok(attributes) = attributes.parse() {
            self.stabilities.given.insert(name.trim_end_matches(';').to_owned(), attributes);
        }
    }

    /// A clause was checked, and relies on this besides its probes.
    pub(crate) fn clause_relies(&mut self, clause: usize, statements: Attributes) {
        let all = &mut self.stabilities.clauses;
        if all.len() <= clause {
            all.resize(clause + 1, Reliance::default());
        }
        all[clause].statements = all[clause].statements.least(statements);
    }

    /// One of a clause's probes, by this description; `typed`: the clause looks at its
    /// arguments.
    pub(crate) fn clause_enables(
        &mut self,
        clause: usize,
        probe: &Probe,
        description: &ProbeDescription,
        typed: bool,
    ) {
        self.clause_relies(clause, Attributes::STABLE);
        let of_description = probe.stability.of(&ProbePattern::from(description));
        let reliance = &mut self.stabilities.clauses[clause];
        reliance.description = reliance.description.least(of_description);
        if typed {
            reliance.statements = reliance.statements.least(probe.stability.args);
        }
        if self.options.least_stable.is_none() {
            return;
        }
        let span = description.span;
        let hint = match description.provider.is_empty() {
            true => format!("name the provider: {}", probe.description()),
            false => LIMIT.to_owned(),
        };
        self.demand(of_description, "this description", span, &hint);
        if typed {
            let what = format!("`args` of {}", probe.description());
            self.demand(probe.stability.args, &what, span, LIMIT);
        }
    }
}
