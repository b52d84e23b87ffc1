//! Which clauses run when what fires.
//!
//! In: the clauses' probe descriptions and a kernel. Out: enablings: probes with their
//! clauses in program order, together where the same code serves them. A clause is
//! checked once for each context that makes a difference to it, so a glob over a thousand
//! probes costs no more than one unless the clause looks at their arguments.

use crate::check::{Checker, Context};
use crate::elsewhere;
use crate::kernel::{Attach, Kernel, Probe, ProbeArg, ProbePattern, Site};
use crate::typed::{Clause, EnabledSite, Enabling};
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::mem::{Discriminant, discriminant};
use std::rc::Rc;
use strand_grammar::ast::{self, ProbeDescription};
use strand_grammar::diagnostic::Diagnostic;

/// How much a clause depends on what fires it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dependence {
    /// Not at all.
    #[default]
    None,
    /// On what the site makes `argN` of.
    SiteArgs,
    /// On the types of `args[]` too.
    Args,
}

/// A probe that some clause enables, with the versions of clauses that its sites run.
struct Enabled {
    probe: Rc<Probe>,
    /// Types of its arguments, once a clause has looked at them: to find them out takes a while,
    /// and few clauses depend on them.
    args: Rc<OnceCell<Rc<[ProbeArg]>>>,
    /// For each site.
    clauses: Vec<Vec<usize>>,
}

/// What a clause's version was checked for: arguments' types, what they are made of, and
/// the site's condition.
type ContextKey = (Option<Rc<[ProbeArg]>>, Option<Rc<[String]>>, Option<Rc<str>>);

/// What sites have in common that one program can serve: how they attach, what their
/// probes are called, clauses.
type ProgramKey = (Discriminant<Attach>, Rc<str>, Vec<usize>);

/// So many probes have a program each that could have one together.
const FEW: usize = 8;

/// The probes of every clause, and what has been made of them so far.
pub(crate) struct Plan {
    /// By clause: indices of descriptions, and of the probes that each matches.
    matched: Vec<Vec<(usize, usize)>>,
    probes: Vec<Enabled>,
    /// Checked clauses; sites refer to them.
    versions: Vec<Clause>,
}

impl Plan {
    /// Finds the probes of all clauses.
    pub fn new(clauses: &[&ast::Clause], checker: &mut Checker) -> Self {
        let mut plan = Plan { matched: Vec::new(), probes: Vec::new(), versions: Vec::new() };
        let mut by_id: FxHashMap<u32, usize> = FxHashMap::default();
        let mut by_pattern: FxHashMap<ProbePattern, Vec<usize>> = FxHashMap::default();
        for clause in clauses {
            let mut matched = Vec::new();
            for (i, description) in clause.probes.iter().enumerate() {
                let pattern = ProbePattern::from(description);
                if !by_pattern.contains_key(&pattern) {
                    let found = plan.find(&pattern, description, &mut by_id, checker);
                    by_pattern.insert(pattern.clone(), found);
                }
                matched.extend(by_pattern[&pattern].iter().map(|probe| (i, *probe)));
            }
            plan.matched.push(matched);
        }
        plan.gather();
        plan
    }

    /// Where many probes can be served by one program, has them attach that way: programs
    /// cost more than what each of them could do better.
    fn gather(&mut self) {
        let many = self.probes.iter().filter(|e| e.probe.among_many.is_some()).count();
        if many <= FEW {
            return;
        }
        for enabled in &mut self.probes {
            let probe = Rc::make_mut(&mut enabled.probe);
            if let (Some(attach), [site]) = (probe.among_many.take(), probe.sites.as_mut_slice()) {
                site.attach = attach;
            }
        }
    }

    fn find(
        &mut self,
        pattern: &ProbePattern,
        description: &ProbeDescription,
        by_id: &mut FxHashMap<u32, usize>,
        checker: &mut Checker,
    ) -> Vec<usize> {
        let probes = match checker.kernel.probes(pattern) {
            Ok(probes) => probes,
            Err(e) if is_absence(e.code) && checker.options.zdefs => return Vec::new(),
            Err(mut e) => {
                e.hint = elsewhere::probe(pattern).or(e.hint);
                checker.report(e.diagnostic(pattern, description.span));
                return Vec::new();
            }
        };
        if probes.is_empty()
            && !checker.options.zdefs
            && let Some(e) = checker.kernel.why_no_probe(pattern)
        {
            checker.report(e.diagnostic(pattern, description.span));
        } else if probes.is_empty() && !checker.options.zdefs {
            let message = format!("no probe matches `{pattern}`");
            let d = Diagnostic::error("D_PDESC_ZERO", description.span, message)
                .classic(pattern.no_match());
            let hint = elsewhere::probe(pattern);
            let hint = hint.unwrap_or_else(|| what_is_near(checker.kernel, pattern));
            checker.report(d.hint(hint));
        }
        let mut found = Vec::new();
        for probe in probes {
            let index = *by_id.entry(probe.id).or_insert_with(|| {
                let clauses = vec![Vec::new(); probe.sites.len()];
                self.probes.push(Enabled { probe: Rc::new(probe), args: Rc::default(), clauses });
                self.probes.len() - 1
            });
            found.push(index);
        }
        found
    }

    /// Checks a clause in all its contexts.
    pub fn check_clause(&mut self, checker: &mut Checker, index: u32, clause: &ast::Clause) {
        let matched = std::mem::take(&mut self.matched[index as usize]);
        if matched.is_empty() {
            // What is wrong with it is worth knowing all the same.
            checker.clause(index, clause, None);
            return;
        }
        let mut known: FxHashMap<ContextKey, usize> = FxHashMap::default();
        let mut dependence = None;
        for (description, probe_index) in matched {
            let Enabled { probe, args, .. } = &self.probes[probe_index];
            let (probe, args) = (probe.clone(), args.clone());
            let kernel = checker.kernel;
            let args = || args.get_or_init(|| kernel.args(&probe).into()).clone();
            for (site_index, site) in probe.sites.iter().enumerate() {
                let site_args: Rc<[String]> = site.args.clone().into();
                let when: Option<Rc<str>> = site.when.as_deref().map(Rc::from);
                let key = |d: Dependence| -> ContextKey {
                    (
                        (d >= Dependence::Args).then(&args),
                        (d >= Dependence::SiteArgs).then(|| site_args.clone()),
                        when.clone(),
                    )
                };
                let version = dependence.and_then(|d| known.get(&key(d)).copied());
                let version = match version {
                    Some(version) => version,
                    None => {
                        let context = Context {
                            args: args(),
                            site_args: site_args.clone(),
                            when: when.clone(),
                            probe: format!("probe {}", probe.description()),
                        };
                        let (typed, d) = checker.clause(index, clause, Some(context));
                        let d = *dependence.get_or_insert(d);
                        self.versions.push(typed);
                        known.insert(key(d), self.versions.len() - 1);
                        self.versions.len() - 1
                    }
                };
                self.probes[probe_index].clauses[site_index].push(version);
            }
            let typed = dependence == Some(Dependence::Args);
            let description = &clause.probes[description];
            checker.clause_enables(index as usize, &probe, description, typed);
        }
    }

    /// Probes with the same clauses in contexts of the same kind, put together.
    pub fn enablings(self) -> Vec<Enabling> {
        let mut order: Vec<Enabling> = Vec::new();
        let mut known: FxHashMap<ProgramKey, usize> = FxHashMap::default();
        for enabled in self.probes {
            for (site, versions) in enabled.probe.sites.iter().zip(enabled.clauses) {
                if versions.is_empty() {
                    continue;
                }
                let key = (discriminant(&site.attach), shared_name(&enabled.probe, site), versions);
                let index = match known.get(&key) {
                    Some(index) => *index,
                    None => {
                        let clauses = key.2.iter().map(|v| self.versions[*v].clone()).collect();
                        order.push(Enabling { sites: Vec::new(), clauses });
                        known.insert(key, order.len() - 1);
                        order.len() - 1
                    }
                };
                order[index].sites.push(EnabledSite {
                    probe: (*enabled.probe).clone(),
                    attach: site.attach.clone(),
                });
            }
        }
        order
    }
}

/// What to say of a description that matches nothing: which are near it, or where to look.
fn what_is_near(kernel: &dyn Kernel, pattern: &ProbePattern) -> String {
    let provider = &pattern.provider;
    match &kernel.near_probes(pattern)[..] {
        [] if provider.ends_with('*') => {
            "markers of programs are found where a process runs them; with -Z, a script does \
             without those that aren't"
                .to_owned()
        }
        [] => {
            let all = ProbePattern { provider: provider.clone(), ..ProbePattern::default() };
            let own = |near: &String| near.split(':').next() == Some(provider);
            match kernel.near_probes(&all).iter().any(own) {
                true => format!("`strand list '{provider}:::'` shows the probes there are"),
                false => "`strand list` shows the probes there are".to_owned(),
            }
        }
        [one] => format!("did you mean `{one}`?"),
        several => {
            let shown: Vec<_> = several.iter().take(4).map(|p| format!("`{p}`")).collect();
            format!("did you mean one of {}?", shown.join(", "))
        }
    }
}

/// Whether a description has no probes because what it names isn't there.
fn is_absence(code: &str) -> bool {
    matches!(code, "D_PDESC_ZERO" | "D_PROC_BADPID" | "D_PROC_GRAB" | "D_PROC_FUNC")
}

/// One program serves many system calls, whose probes then differ in nothing but the
/// function, or many places in user programs, of markers those that keep their arguments
/// alike; other sites have a program each.
fn shared_name(probe: &Probe, site: &Site) -> Rc<str> {
    match site.attach {
        Attach::SyscallEntry { .. } | Attach::SyscallReturn { .. } => {
            format!("{}:{}:{}", probe.provider, probe.module, probe.name).into()
        }
        Attach::Usdt { ref args, .. } => format!("{args:?}").into(),
        _ => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{KnownTypes, check};
    use crate::fixture::FixtureKernel;
    use crate::options::Options;
    use crate::typed::ExprKind;
    use strand_grammar::macros::Macros;
    use strand_grammar::source::{SourceKind, Sources};
    use strand_grammar::{Unit, UnitKind};

    /// A site's condition comes before the predicate of each clause, and makes versions of
    /// clauses that would else be one.
    #[test]
    fn conditions_of_sites_come_first() {
        let kernel = FixtureKernel::new();
        let mut sources = Sources::new();
        let text = "io:::done { n++; } io:::done /n > 3/ { n = 0; }";
        let source = sources.add("test.d", text, SourceKind::Script);
        let unit = Unit { source, kind: UnitKind::Script };
        let (program, diagnostics) =
            strand_grammar::parse(&sources, &[unit], &KnownTypes::new(&kernel), &Macros::default());
        assert_eq!(diagnostics, []);
        let (typed, diagnostics) = check(&program, &mut sources, &kernel, &Options::default());
        assert_eq!(diagnostics, []);
        let shape = |e: &crate::typed::Expr| match &e.kind {
            ExprKind::Logical(..) => "condition and predicate",
            ExprKind::Binary { .. } => "one comparison",
            _ => "something else",
        };
        let mut shapes = Vec::new();
        for enabling in &typed.enablings {
            for site in &enabling.sites {
                let predicates = enabling.clauses.iter().map(|c| c.predicate.as_ref().map(shape));
                shapes.push(format!("{:?}: {:?}", site.attach, predicates.collect::<Vec<_>>()));
            }
        }
        insta::assert_snapshot!(shapes.join("\n"), @r#"
        Tracepoint { name: "block_bio_complete", module: None, args: 2 }: [None, Some("one comparison")]
        Tracepoint { name: "block_rq_complete", module: None, args: 3 }: [Some("one comparison"), Some("condition and predicate")]
        "#);
    }
}
