//! `pid`: entry, return and single instructions of the functions of a process.
//!
//! In: `pidN`, which has the process's id in its name, a module (`a.out` is the program),
//! functions of it. Out: places in the files that the process has mapped, traced in that
//! process only. A module given by its whole path needs not be loaded yet.

use super::function::{Inside, near, no_module, refuse, suggest};
use super::stability::Promise;
use super::{Provider, probe};
use crate::kernel::LiveKernel;
use crate::probe::{ProbeName, is_exact};
use crate::user::Users;
use crate::user::process::{Mapped, Process, ProcessProblem};
use std::sync::Arc;
use strand_compiler::kernel::{Probe, ProbeError, ProbePattern, glob_match};

/// The provider.
pub struct Pid;

/// Takes a provider field apart: what comes before the process's id, and the id.
pub fn split(field: &str) -> Option<(&str, &str)> {
    let digits = field.bytes().rev().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| field.split_at(field.len() - digits))
}

/// Whether a field is of this provider: the id can't be left open.
fn is_pid(field: &str) -> bool {
    split(field).is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && glob_match(name, "pid")
    })
}

/// A process that must be there.
pub(super) fn process(users: &mut Users, id: &str) -> Result<Arc<Process>, ProbeError> {
    let pid = id.parse().unwrap_or(u32::MAX);
    if pid == 0 {
        let hint = "`$target` is the process of -c or -p, and neither was given";
        let message = "there is no process 0".to_owned();
        return Err(refuse("D_PROC_BADPID", message, Some(hint.to_owned())));
    }
    users.process(pid).map_err(|problem| {
        let code = match problem {
            ProcessProblem::Ourselves(_) => "D_PROC_DYN",
            _ => "D_PROC_GRAB",
        };
        refuse(code, problem.to_string(), None)
    })
}

/// The files of a process that a module field is about.
pub(super) fn files<'a>(process: &'a Process, module: &str) -> Vec<&'a Mapped> {
    if !is_exact(module) {
        return process.files.iter().filter(|f| glob_match(module, f.base_name())).collect();
    }
    let named = |f: &&Mapped| f.base_name() == module || f.is_named(module);
    let found: Vec<&Mapped> = process.files.iter().filter(named).collect();
    // `ld.so` and its like: what is called just so comes before what begins so.
    let whole: Vec<&Mapped> = found.iter().filter(|f| f.base_name() == module).copied().collect();
    if whole.is_empty() { found } else { whole }
}

impl Provider for Pid {
    fn name(&self) -> &'static str {
        "pid"
    }

    fn claims(&self, field: &str) -> bool {
        field == "pid" || is_pid(field)
    }

    fn owns(&self, name: &str) -> bool {
        name.strip_prefix("pid")
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|c| c.is_ascii_digit()))
    }

    /// A module has several names.
    fn matches(&self, _: &ProbeName, _: &ProbePattern) -> bool {
        true
    }

    fn promise(&self) -> Promise {
        Promise::USER
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        let Some((_, id)) = split(&pattern.provider) else {
            let hint = "write `pid$target` and give -p or -c, or `pid` with a process's id";
            return Err(no_module("`pid` needs a process".to_owned(), Some(hint.to_owned())));
        };
        if pattern.function == "-" && !is_exact(&pattern.name) {
            let message = "the function `-` takes a single address".to_owned();
            return Err(refuse("D_PROC_NAME", message, None));
        }
        let mut users = kernel.users();
        let process = process(&mut users, id)?;
        let provider = users.provider(&format!("pid{}", process.pid));
        let module = match (pattern.function.as_str(), pattern.module.as_str()) {
            ("-", "") => "a.out",
            (_, module) => module,
        };
        let mut chosen: Vec<Mapped> = files(&process, module).into_iter().cloned().collect();
        if pattern.function == "-" && (!is_exact(module) || chosen.iter().any(|f| !f.program)) {
            let message = "the function `-` is of the module a.out only".to_owned();
            return Err(refuse("D_PROC_LIB", message, None));
        }
        if chosen.is_empty() {
            chosen.push(unloaded(&process, module).ok_or_else(|| {
                let message = format!("process {id} has no module {module}");
                no_module(message, Some(format!("it has {}", process.modules())))
            })?);
        }
        let named = is_exact(module);
        let mut found = Vec::new();
        let mut looked_into = Vec::new();
        for file in chosen {
            let binary = match users.binary(&file.open) {
                Ok(binary) => binary,
                Err(_) if !named => continue,
                Err(e) => return Err(refuse("D_PROC_LIB", e.to_string(), None)),
            };
            let inside = Inside {
                binary: &binary,
                open: &file.open,
                module: file.base_name(),
                named,
                provider,
                pid: Some(process.pid),
            };
            inside.find(&mut users, pattern, &mut found)?;
            looked_into.push(binary);
        }
        if found.is_empty() && is_exact(&pattern.function) {
            let message = format!("no module of process {id} has a function {}", pattern.function);
            let names = looked_into.iter().flat_map(|binary| binary.names());
            let hint = suggest(&near(&pattern.function, names))
                .unwrap_or_else(|| format!("looked for in {}", process.modules()));
            return Err(no_module(message, Some(hint)));
        }
        Ok(found)
    }

    fn describe(&self, kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        describe(kernel, name)
    }
}

/// A library that the process may still load, by its whole path.
fn unloaded(process: &Process, module: &str) -> Option<Mapped> {
    if !module.starts_with('/') {
        return None;
    }
    let inside = format!("/proc/{}/root{module}", process.pid);
    let open = [module.to_owned(), inside].into_iter().find(|p| std::fs::metadata(p).is_ok())?;
    Some(Mapped { path: module.to_owned(), open, program: false, file: (0, 0) })
}

/// A probe in a user program that was found before.
pub(super) fn describe(kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
    let users = kernel.users();
    let Some(known) = users.probe(name.key) else {
        return Err(no_module(format!("{} has gone meanwhile", name.description()), None));
    };
    Ok(Probe { args: Some(known.args.clone()), sites: known.sites.clone(), ..probe(name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_fields() {
        assert!(is_pid("pid12") && is_pid("p*d12") && is_pid("p*12"));
        assert!(!is_pid("pid") && !is_pid("pidgin") && !is_pid("pid*") && !is_pid("*12"));
        assert!(!is_pid("python12"));
        assert_eq!(split("python12"), Some(("python", "12")));
        assert_eq!(split("python"), None);
    }
}
