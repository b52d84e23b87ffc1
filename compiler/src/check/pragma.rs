//! `#pragma D attributes`, `binding` and `depends_on`.
//!
//! In: a pragma whose form is right. Out: what is wrong with what it says. Attributes and
//! versions of names change nothing that is compiled, but they have to be of something.

use super::Checker;
use crate::kernel::ProbePattern;
use strand_grammar::ast::{Item, Pragma};
use strand_grammar::diagnostic::Diagnostic;
use strand_grammar::source::Span;

impl Checker<'_> {
    pub(super) fn pragma(&mut self, pragma: &Pragma) {
        let Pragma::Other { word, args, span } = pragma else { return };
        match word.name.as_str() {
            "depends_on" => self.depends_on(args, *span),
            "attributes" => self.give_attributes(args),
            _ => {}
        }
    }

    fn depends_on(&mut self, args: &[String], span: Span) {
        let [class, name] = args else { return };
        if class == "library" && !self.in_library(span) {
            let d = Diagnostic::error(
                "D_PRAGMA_DEPEND",
                span,
                "only a library can depend on a library",
            );
            let d = d.classic("main program may not explicitly depend on a library");
            return self.report(d.hint(format!("-L names the folder that `{name}` is in")));
        }
        let there = match class.as_str() {
            "provider" => {
                let all = ProbePattern { provider: name.clone(), ..ProbePattern::default() };
                self.kernel.probes(&all).is_ok_and(|found| !found.is_empty())
            }
            "module" => {
                let core = matches!(name.as_str(), "vmlinux" | "genunix");
                core || self.kernel.btf_modules().iter().any(|m| m == name)
            }
            _ => true,
        };
        if !there && !self.in_library(span) {
            let message = format!("there is no {class} `{name}`");
            let d = Diagnostic::error("D_PRAGMA_DEPEND", span, message);
            self.report(d.classic(format!("program requires {class} {name}")));
        }
    }

    /// Attributes and versions of names that the program doesn't have.
    pub(super) fn unused_pragmas(&mut self, items: &[Item]) {
        for item in items {
            let Item::Pragma(Pragma::Other { word, args, span }) = item else { continue };
            let what = word.name.as_str();
            let [_, name, ..] = args.as_slice() else { continue };
            if !matches!(what, "attributes" | "binding") || self.in_library(*span) {
                continue;
            }
            let name = name.trim_end_matches(';');
            if matches!(name, "provider" | "translator") {
                continue;
            }
            if self.names.global(name).is_some() {
                continue;
            }
            let message = format!("the program defines no `{name}` that could have {what}");
            let d = Diagnostic::error("D_PRAGMA_UNUSED", *span, message)
                .classic(format!("unused #pragma {what}"));
            self.report(d);
        }
    }
}
