//! Macro variables: `$pid`, `$target`, `$1`, `$$1` …
//!
//! In: numbers and arguments from the caller. Out: the text that stands for a macro.
//! Decides how the text of an argument becomes a token.

use std::cell::RefCell;
use std::collections::BTreeSet;

/// What macros expand to.
#[derive(Clone, Debug, Default)]
pub struct Macros {
    /// Numbers by name without the `$`: `pid`, `ppid`, `uid` …
    pub numbers: Vec<(&'static str, i64)>,
    /// `$target`; 0 without one.
    pub target: i64,
    /// `$0`
    pub name: String,
    /// `$1` …
    pub args: Vec<String>,
    /// Arguments that are missing are 0 or the empty string.
    pub defaultargs: bool,
    /// `int*x` between items is a probe description, not a declaration (`-x pspec`).
    pub pspec: bool,
    /// Numbers of the arguments that were used, from 1.
    pub used: RefCell<BTreeSet<usize>>,
    /// Only the program's run gives the numbers, and the arguments that aren't here: they
    /// become names of what is read then, `$1` or `$$1`.
    pub late: bool,
}

/// What a macro is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expansion {
    /// A number.
    Number(i64),
    /// Text as the user gave it.
    Text(String),
    /// It isn't known before the program runs.
    Late,
    /// There is no such macro.
    Unknown,
    /// There is no such argument.
    Missing(usize),
}

impl Macros {
    /// Expands a macro's name, without `$` or `$$`.
    pub fn expand(&self, name: &str) -> Expansion {
        if let Ok(n) = name.parse::<usize>() {
            if n == 0 {
                return Expansion::Text(self.name.clone());
            }
            return match self.args.get(n - 1) {
                Some(text) => {
                    self.used.borrow_mut().insert(n);
                    Expansion::Text(text.clone())
                }
                None if self.late => Expansion::Late,
                None if self.defaultargs => Expansion::Text(String::new()),
                None => Expansion::Missing(n),
            };
        }
        if self.late && (name == "target" || self.numbers.iter().any(|(n, _)| *n == name)) {
            return Expansion::Late;
        }
        if name == "target" {
            return Expansion::Number(self.target);
        }
        match self.numbers.iter().find(|(n, _)| *n == name) {
            Some((_, v)) => Expansion::Number(*v),
            None => Expansion::Unknown,
        }
    }
}
