//! `syscall`: entry and return of system calls.
//!
//! In: tracefs, which tells the calls that the kernel has and their parameters; numbers,
//! and all else where tracefs can't be looked at, from a table. Out:
//! `syscall:vmlinux:NAME:{entry,return}`. A call that the table doesn't number can't be
//! traced, since all calls share two events.

use super::stability::Promise;
use super::{Provider, probe, unavailable};
use crate::kernel::LiveKernel;
use crate::probe::{ProbeName, is_exact};
use crate::tracefs::Tracefs;
use std::sync::OnceLock;
use strand_compiler::kernel::{
    ArgType, Attach, Probe, ProbeArg, ProbeError, ProbePattern, Site, glob_match,
};

/// The provider.
pub struct Syscall;

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Call {
    name: &'static str,
    /// On this architecture.
    number: u32,
    /// Those of 32-bit programs on x86-64, separated by `/`.
    compat: &'static str,
    /// Declarations, separated by commas.
    params: &'static str,
}

const TABLE: &str = include_str!("syscalls.tbl");

/// Column of the numbers of x86-64.
const X86: usize = 1;

/// Column of the numbers of this architecture.
const COLUMN: usize = if cfg!(target_arch = "aarch64") { 2 } else { X86 };

/// Id of the call with number 0.
const FIRST: u32 = 1000;

/// Reads the table's lines: name, numbers for each architecture, parameters.
fn parse(table: &'static str, column: usize) -> Vec<Call> {
    let line = |line: &'static str| {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        Some(Call {
            name: words.first()?,
            number: words.get(column)?.parse().ok()?,
            compat: words.get(3).filter(|_| column == X86).copied().unwrap_or(""),
            params: words.get(4).copied().unwrap_or(""),
        })
    };
    table.lines().filter(|l| !l.starts_with('#')).filter_map(line).collect()
}

/// Calls of this architecture by name.
fn calls() -> &'static [Call] {
    static CALLS: OnceLock<Vec<Call>> = OnceLock::new();
    CALLS.get_or_init(|| {
        let mut calls = parse(TABLE, COLUMN);
        calls.sort_by_key(|c| c.name);
        calls
    })
}

fn call(name: &str) -> Option<&'static Call> {
    let calls = calls();
    calls.binary_search_by_key(&name, |c| c.name).ok().map(|i| &calls[i])
}

/// A call, if the kernel has it.
fn known(kernel: &LiveKernel, name: &str) -> Option<&'static Call> {
    let exists = |c: &&Call| kernel.tracefs().ok().is_none_or(|t| t.has_event(GROUP, &event(c)));
    call(name).filter(exists)
}

/// How to attach to the entry of a call, if the kernel has it.
pub(super) fn entry(kernel: &LiveKernel, name: &str) -> Option<Attach> {
    known(kernel, name).map(Call::entry)
}

/// How to attach to the return of a call, if the kernel has it.
pub(super) fn result(kernel: &LiveKernel, name: &str) -> Option<Attach> {
    known(kernel, name).map(Call::result)
}

impl Call {
    fn entry(&self) -> Attach {
        let args = self.params().count() as u8;
        Attach::SyscallEntry { number: self.number, compat: self.compat(), args }
    }

    fn result(&self) -> Attach {
        Attach::SyscallReturn { number: self.number, compat: self.compat() }
    }

    /// Declarations of its parameters.
    fn params(&self) -> impl Iterator<Item = &'static str> {
        self.params.split(", ").filter(|p| !p.is_empty())
    }

    fn compat(&self) -> Vec<u32> {
        self.compat.split('/').filter_map(|n| n.parse().ok()).collect()
    }
}

/// Events of system calls in tracefs.
const GROUP: &str = "syscalls";
const ENTER: &str = "sys_enter_";

impl Provider for Syscall {
    fn name(&self) -> &'static str {
        "syscall"
    }

    fn promise(&self) -> Promise {
        Promise::KERNEL
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        if !glob_match(&pattern.module, "vmlinux") {
            return Ok(Vec::new());
        }
        let tracefs = kernel.tracefs().ok();
        let found: Vec<&Call> = if is_exact(&pattern.function) {
            known(kernel, &pattern.function).into_iter().collect()
        } else {
            existing(tracefs)?
        };
        let names = ["entry", "return"];
        Ok(found
            .into_iter()
            .flat_map(|call| {
                names.iter().enumerate().map(|(i, name)| ProbeName {
                    id: FIRST + 2 * call.number + i as u32,
                    provider: self.name(),
                    module: "vmlinux".to_owned(),
                    function: call.name.to_owned(),
                    name: (*name).to_owned(),
                    key: i as u64,
                })
            })
            .collect())
    }

    fn describe(&self, _kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        let Some(call) = call(&name.function) else {
            return Err(unavailable(
                format!("the number of the system call {} isn't known", name.function),
                None,
            ));
        };
        if name.name == "return" {
            let result = |native| ProbeArg {
                native,
                ty: ArgType::D { text: "long".to_owned(), userland: false },
                translated: None,
            };
            let attach = call.result();
            let args = vec!["arg0".to_owned(), "arg0".to_owned()];
            let sites = vec![Site { attach, args, when: None }];
            return Ok(Probe { args: Some(vec![result(0), result(1)]), sites, ..probe(name) });
        }
        let sites = vec![Site { attach: call.entry(), args: Vec::new(), when: None }];
        Ok(Probe { sites, ..probe(name) })
    }

    /// Of an entry: its event tells them, if somebody wants to know. There are hundreds.
    fn args(&self, kernel: &LiveKernel, probe: &Probe) -> Vec<ProbeArg> {
        let Some(call) = call(&probe.function) else { return Vec::new() };
        let types = kernel.tracefs().ok().and_then(|tracefs| entry_types(tracefs, call));
        (0..)
            .zip(types.unwrap_or_else(|| call.params().filter_map(type_of).collect()))
            .map(|(native, text)| ProbeArg {
                native,
                ty: ArgType::D { userland: text.contains('*'), text },
                translated: None,
            })
            .collect()
    }
}

fn event(call: &Call) -> String {
    format!("{ENTER}{}", call.name)
}

/// Calls that the kernel has.
fn existing(tracefs: Option<&Tracefs>) -> Result<Vec<&'static Call>, ProbeError> {
    let Some(tracefs) = tracefs else { return Ok(calls().iter().collect()) };
    let events = tracefs.list(&format!("events/{GROUP}")).map_err(|_| {
        unavailable(
            "this kernel doesn't show its system calls to tracers",
            Some("it was built without CONFIG_FTRACE_SYSCALLS"),
        )
    })?;
    Ok(events.iter().filter_map(|e| call(e.strip_prefix(ENTER)?)).collect())
}

/// The types of a call's parameters as its event has them.
fn entry_types(tracefs: &Tracefs, call: &Call) -> Option<Vec<String>> {
    let format = tracefs.format(GROUP, &event(call)).ok()?;
    // After the number come the parameters; some kernels add texts that they point to.
    let fields = format
        .fields
        .into_iter()
        .filter(|f| f.name != "__syscall_nr" && f.name != "nr" && !f.ty.starts_with("__data_loc"));
    Some(fields.map(|f| f.ty).collect())
}

/// The type in a declaration: `const char * filename`.
fn type_of(declaration: &str) -> Option<String> {
    let (ty, _name) = declaration.trim().rsplit_once(' ')?;
    // A qualified pointer is written close to its name: `const void *const attr`.
    Some(ty.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_architecture() {
        let number = |column, name| {
            parse(TABLE, column).into_iter().find(|c| c.name == name).map(|c| c.number)
        };
        assert_eq!(number(1, "read"), Some(0));
        assert_eq!(number(2, "read"), Some(63));
        assert_eq!(number(1, "open"), Some(2));
        assert_eq!(number(2, "open"), None);
        assert_eq!(number(1, "openat"), Some(257));
        assert_eq!(number(2, "openat"), Some(56));
    }

    #[test]
    fn numbers_are_unique() {
        for column in [1, 2] {
            let mut seen = std::collections::HashMap::new();
            for call in parse(TABLE, column) {
                let other = seen.insert(call.number, call.name);
                assert_eq!(other, None, "{} has the number of another", call.name);
            }
        }
        let mut seen = std::collections::HashMap::new();
        for call in parse(TABLE, X86) {
            for number in call.compat() {
                let other = seen.insert(number, call.name);
                assert_eq!(other, None, "{} has the number of another", call.name);
            }
        }
    }

    #[test]
    fn numbers_of_32_bit_programs() {
        let compat = |column, name| {
            parse(TABLE, column).into_iter().find(|c| c.name == name).map(|c| c.compat())
        };
        assert_eq!(compat(X86, "read"), Some(vec![3]));
        assert_eq!(compat(X86, "getuid"), Some(vec![24, 199]));
        assert_eq!(compat(X86, "semop"), Some(vec![]));
        assert_eq!(compat(2, "read"), Some(vec![]));
    }

    #[test]
    fn types_of_parameters() {
        let types = |name: &str| {
            let call = parse(TABLE, 1).into_iter().find(|c| c.name == name);
            let params = call.map_or("", |c| c.params);
            params.split(", ").filter_map(type_of).collect::<Vec<_>>().join(" | ")
        };
        assert_eq!(types("openat"), "int | const char * | int | umode_t");
        assert_eq!(types("execve"), "const char * | const char *const * | const char *const *");
        assert_eq!(types("getpid"), "");
        assert_eq!(types("landlock_add_rule").split(" | ").nth(2), Some("const void *const"));
    }
}
