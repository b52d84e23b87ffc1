//! Versions of D: which names are D's own in the version that a program asks for.
//!
//! In: `#pragma D option version=…`. Out: whether a name that came to D later is free. What
//! a program doesn't redefine it can use in any version.

use super::Checker;
use crate::builtins;
use strand_grammar::ast::Pragma;

/// A version: major, minor and micro number.
type Version = (u32, u32, u32);

/// Functions with the version that they came with, if that wasn't the first.
const LATER: &[(Version, &[&str])] = &[
    ((1, 1, 0), &["freopen", "index", "rindex", "strchr", "strrchr", "strstr", "strtok", "substr"]),
    ((1, 2, 0), &["func", "mod", "setopt", "sym", "uaddr", "ufunc", "umod", "usym"]),
    ((1, 3, 0), &["htonl", "htonll", "htons", "ntohl", "ntohll", "ntohs"]),
    ((1, 5, 0), &["inet_ntoa", "inet_ntoa6", "inet_ntop", "link_ntop"]),
    ((1, 6, 0), &["stddev"]),
    ((1, 6, 4), &["llquantize", "pcap"]),
    ((2, 0, 0), &["print"]),
];

/// `1.6.3`
fn read(text: &str) -> Option<Version> {
    let mut numbers = text.split('.').map(|n| n.parse::<u32>().ok());
    let mut next = || numbers.next().unwrap_or(Some(0));
    Some((next()?, next()?, next()?))
}

impl Checker<'_> {
    /// Takes note of the version that a program asks for.
    pub(super) fn asked_version(&mut self, pragma: &Pragma) {
        if let Pragma::Option { name, value: Some(value), .. } = pragma
            && name == "version"
        {
            self.version = read(value);
        }
    }

    /// Whether a global name is a variable or function of D itself.
    pub(super) fn is_own(&self, name: &str) -> bool {
        let came = LATER.iter().find(|(_, names)| names.contains(&name)).map(|(v, _)| *v);
        if let (Some(came), Some(asked)) = (came, self.version)
            && asked < came
        {
            return false;
        }
        self.is_builtin(name)
            || builtins::subroutine(name).is_some()
            || builtins::WRITTEN.contains(&name)
            || builtins::ACTIONS.contains(&name)
            || builtins::AGGREGATING.contains(&name)
    }
}
