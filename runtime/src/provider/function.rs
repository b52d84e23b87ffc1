//! Functions of user programs: what `pid` and `uprobe` have in common.
//!
//! In: a program or library, and the function and name fields of a description. Out: probes
//! at entries, returns and single instructions. What was named and can't be traced is
//! refused with the reason; what a glob finds is left out quietly.

use super::unavailable;
use crate::probe::{ProbeName, distance, is_exact, user_id};
use crate::user::argument::Machine;
use crate::user::binary::{Binary, Function};
use crate::user::{Users, instruction};
use strand_compiler::kernel::{Attach, ProbeError, ProbePattern, Site, UserPlace, glob_match};

/// More places than anybody can want to trace at once: each takes some microseconds to arm.
const MOST: usize = 100_000;

/// Names that are worth proposing.
const SUGGESTIONS: usize = 3;

/// A file to look into.
pub(super) struct Inside<'a> {
    /// The file.
    pub binary: &'a Binary,
    /// As we can open it.
    pub open: &'a str,
    /// What the module field of its probes is.
    pub module: &'a str,
    /// The module was named, so that what isn't there is an error.
    pub named: bool,
    /// The provider field of its probes.
    pub provider: &'static str,
    /// Only in this process.
    pub pid: Option<u32>,
}

/// A refusal, with DTrace's tag for it.
pub(super) fn refuse(code: &'static str, message: String, hint: Option<String>) -> ProbeError {
    ProbeError { code, message, hint }
}

impl Inside<'_> {
    /// The probes that function and name match.
    pub fn find(
        &self,
        users: &mut Users,
        pattern: &ProbePattern,
        found: &mut Vec<ProbeName>,
    ) -> Result<(), ProbeError> {
        if pattern.function == "-" {
            return self.absolute(users, &pattern.name, found);
        }
        let exact = is_exact(&pattern.function);
        let glob = if pattern.function.is_empty() { "*" } else { &pattern.function };
        let mut functions = self.binary.functions(glob);
        if exact && functions.iter().all(|f| f.indirect) {
            return if self.named { Err(self.absent(&pattern.function)) } else { Ok(()) };
        }
        functions.retain(|f| !f.indirect && (exact || f.size > 0));
        if functions.is_empty()
            && self.named
            && let Some(why) = self.binary.why_nameless()
        {
            let message = format!("no function of {} matches {glob}", self.module);
            return Err(no_module(message, Some(why)));
        }
        for function in functions {
            self.of_function(users, function, pattern, found)?;
            if found.len() > MOST {
                return Err(refuse(
                    "D_PROC_CREATEFAIL",
                    format!("`{pattern}` matches more than {MOST} places"),
                    Some("a name of `entry` or `return` leaves out single instructions".to_owned()),
                ));
            }
        }
        Ok(())
    }

    /// The probes of one function.
    fn of_function(
        &self,
        users: &mut Users,
        function: &Function,
        pattern: &ProbePattern,
        found: &mut Vec<ProbeName>,
    ) -> Result<(), ProbeError> {
        let name = pattern.name.as_str();
        let exact = is_exact(name);
        // What isn't named is left out where it is known to be impossible; where a function
        // returns to is also found out at its entry.
        let possible = is_exact(&pattern.function)
            || !instruction::first_is_refused(&self.binary.beginning(function), Machine::HOST);
        if possible && glob_match(name, "entry") {
            self.add(users, function, "entry", found);
        }
        if possible && glob_match(name, "return") {
            match self.binary.is_go {
                false => self.add(users, function, "return", found),
                true if !exact => {}
                true => {
                    return Err(refuse(
                        "D_PROC_CREATEFAIL",
                        format!("{} is a Go program, where returns can't be traced", self.module),
                        Some(
                            "its stacks move, and a return probe would make it crash: trace the \
                             function's entry"
                                .to_owned(),
                        ),
                    ));
                }
            }
        }
        if exact && matches!(name, "entry" | "return") {
            return Ok(());
        }
        if exact {
            let offset = self.boundary(function, name)?;
            self.add(users, function, &format!("{offset:x}"), found);
            return Ok(());
        }
        let code = self.binary.code(function).unwrap_or_default();
        for instruction in instruction::instructions(&code, Machine::HOST) {
            let text = format!("{:x}", instruction.offset);
            if !instruction.refused && glob_match(name, &text) {
                self.add(users, function, &text, found);
            }
        }
        Ok(())
    }

    /// The distance that a name is, if an instruction begins there: a probe within one
    /// would change what the program does.
    fn boundary(&self, function: &Function, name: &str) -> Result<u64, ProbeError> {
        let offset = u64::from_str_radix(name.strip_prefix("0x").unwrap_or(name), 16);
        let Ok(offset) = offset else {
            return Err(refuse(
                "D_PROC_NAME",
                format!("`{name}` is no probe of a function"),
                Some("it can be `entry`, `return` or a distance in hexadecimal".to_owned()),
            ));
        };
        let what = format!("offset {offset:#x} of {}", function.name);
        if offset >= function.size {
            let message = format!("{what} is outside of it: it has {:#x} bytes", function.size);
            return Err(refuse("D_PROC_OFF", message, None));
        }
        let code = self.binary.code(function).unwrap_or_default();
        let starts = instruction::instructions(&code, Machine::HOST);
        if starts.iter().any(|s| s.offset == offset) {
            return Ok(offset);
        }
        let near = starts.iter().filter(|s| s.offset.abs_diff(offset) < 16);
        let near: Vec<String> = near.map(|s| format!("{:x}", s.offset)).collect();
        let hint = format!("near it, instructions begin at {}", near.join(", "));
        let message = format!("no instruction begins at {what}");
        Err(refuse("D_PROC_ALIGN", message, (!near.is_empty()).then_some(hint)))
    }

    /// The function `-`: the name is an address in the program, as it was linked.
    fn absolute(
        &self,
        users: &mut Users,
        name: &str,
        found: &mut Vec<ProbeName>,
    ) -> Result<(), ProbeError> {
        let address = u64::from_str_radix(name.strip_prefix("0x").unwrap_or(name), 16).ok();
        let Some(address) = address.filter(|_| is_exact(name)) else {
            let message = format!("`{name}` is no address, which the function `-` needs");
            return Err(refuse("D_PROC_NAME", message, None));
        };
        let Some(function) = self.binary.function_at(address) else {
            let message = format!("{} has no function at {address:#x}", self.module);
            return Err(refuse("D_PROC_OFF", message, None));
        };
        let within = address - function.address;
        self.boundary(function, &format!("{within:x}"))?;
        let whole = Function { name: "-".to_owned(), address: 0, ..function.clone() };
        self.add(users, &whole, &format!("{address:x}"), found);
        Ok(())
    }

    /// Adds a probe, or a place to one that is there already: static functions of one name
    /// are one probe.
    fn add(&self, users: &mut Users, function: &Function, name: &str, found: &mut Vec<ProbeName>) {
        let distance = match name {
            "entry" | "return" => 0,
            distance => u64::from_str_radix(distance, 16).unwrap_or(0),
        };
        let Some(offset) = self.binary.offset_of_code(function.address + distance) else { return };
        let place = UserPlace { path: self.open.to_owned(), offset, pid: self.pid, semaphore: 0 };
        let attach = match name {
            "return" => Attach::Uretprobe(place),
            _ => Attach::Uprobe(place),
        };
        let site = Site { attach, args: Vec::new(), when: None };
        let key = [
            self.provider.to_owned(),
            self.open.to_owned(),
            function.name.clone(),
            name.to_owned(),
        ];
        let number = users.add(key, |probe| {
            if !probe.sites.contains(&site) {
                probe.sites.push(site);
            }
        });
        found.push(ProbeName {
            id: user_id(number),
            provider: self.provider,
            module: self.module.to_owned(),
            function: function.name.clone(),
            name: name.to_owned(),
            key: number as u64,
        });
    }

    /// Why a function that was named isn't there.
    fn absent(&self, name: &str) -> ProbeError {
        if let Some(indirect) = self.binary.functions(name).first() {
            let base = &indirect.name;
            let mut made: Vec<&str> =
                self.binary.names().filter(|n| n.starts_with(&format!("__{base}_"))).collect();
            made.truncate(SUGGESTIONS);
            let hint = match made.is_empty() {
                true => format!("the symbols of {} don't name these", self.module),
                false => format!("such are {}", made.join(", ")),
            };
            let message = format!(
                "{name} in {} is chosen among several functions when the program is loaded",
                self.module
            );
            return refuse("D_PROC_FUNC", message, Some(hint));
        }
        let near = near(name, self.binary.names());
        let hint = suggest(&near).or_else(|| self.binary.why_nameless());
        refuse("D_PROC_FUNC", format!("there is no function {name} in {}", self.module), hint)
    }
}

/// A hint with names that may have been meant.
pub(super) fn suggest(near: &[&str]) -> Option<String> {
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

/// The names that are spelled most alike.
pub(super) fn near<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (wanted.len() / 3).max(1);
    let alike = names.filter(|n| n.len().abs_diff(wanted.len()) <= limit);
    let mut near: Vec<(usize, &str)> = alike.map(|n| (distance(wanted, n), n)).collect();
    near.retain(|(d, _)| *d <= limit);
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(SUGGESTIONS).map(|(_, name)| name).collect()
}

/// A probe without a file to look into.
pub(super) fn no_module(message: String, hint: Option<String>) -> ProbeError {
    unavailable(message, hint.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_spelled_alike() {
        let names = ["malloc", "mallinfo", "calloc", "free", "malloc_usable_size"];
        assert_eq!(near("maloc", names.into_iter()), ["malloc"]);
        assert_eq!(near("malloc", names.into_iter()), ["malloc", "calloc"]);
        assert!(near("x", ["abcdef"].into_iter()).is_empty());
    }
}
