//! What names mean: variables of the three scopes, inlines, enumerators, parameters.
//!
//! In: declarations and first uses, in program order. Out: what a name stands for at
//! this point. Globals, `self->` and `this->` are three separate name spaces; inlines
//! and enumerators share the globals'. Types and built-ins are looked up elsewhere.

use crate::typed::VariableId;
use crate::types::TypeId;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use strand_grammar::ast::{self, Scope};
use strand_grammar::source::Span;

/// What a global name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Symbol {
    /// A variable.
    Variable(VariableId),
    /// An inline, with or without parameters.
    Inline(Rc<Inline>),
    /// A constant of one of the script's enums.
    Enumerator(i64, TypeId),
}

impl Symbol {
    /// In a message: what kind of thing it is.
    pub fn kind(&self) -> &'static str {
        match self {
            Symbol::Variable(_) => "variable",
            Symbol::Inline(_) => "inline",
            Symbol::Enumerator(..) => "enumerator",
        }
    }
}

/// An inline definition.
#[derive(Debug)]
pub(crate) struct Inline {
    /// Its name.
    pub name: String,
    /// Type of its value.
    pub ty: TypeId,
    /// Names and types of its parameters; `None`: it has no parameter list.
    pub params: Option<Vec<(String, TypeId)>>,
    /// What it stands for.
    pub value: ast::Expr,
    /// The whole definition.
    pub span: Span,
}

/// The names of a program.
#[derive(Debug, Default)]
pub(crate) struct Names {
    globals: FxHashMap<String, Symbol>,
    thread: FxHashMap<String, VariableId>,
    clause: FxHashMap<String, VariableId>,
}

impl Names {
    /// A global name.
    pub fn global(&self, name: &str) -> Option<&Symbol> {
        self.globals.get(name)
    }

    /// A variable of a scope.
    pub fn variable(&self, scope: Scope, name: &str) -> Option<VariableId> {
        match scope {
            Scope::Global => match self.globals.get(name)? {
                Symbol::Variable(id) => Some(*id),
                _ => None,
            },
            Scope::Thread => self.thread.get(name).copied(),
            Scope::Clause => self.clause.get(name).copied(),
        }
    }

    /// Gives a global name its meaning.
    pub fn define(&mut self, name: &str, symbol: Symbol) {
        self.globals.insert(name.to_owned(), symbol);
    }

    /// Gives a name of a scope to a variable.
    pub fn define_variable(&mut self, scope: Scope, name: &str, id: VariableId) {
        match scope {
            Scope::Global => {
                self.globals.insert(name.to_owned(), Symbol::Variable(id));
            }
            Scope::Thread => {
                self.thread.insert(name.to_owned(), id);
            }
            Scope::Clause => {
                self.clause.insert(name.to_owned(), id);
            }
        }
    }

    /// All names of a scope, for suggestions.
    pub fn all(&self, scope: Scope) -> Vec<&str> {
        match scope {
            Scope::Global => self.globals.keys().map(String::as_str).collect(),
            Scope::Thread => self.thread.keys().map(String::as_str).collect(),
            Scope::Clause => self.clause.keys().map(String::as_str).collect(),
        }
    }
}

/// How a variable of this scope is written.
pub(crate) fn written(scope: Scope, name: &str) -> String {
    match scope {
        Scope::Global => name.to_owned(),
        Scope::Thread => format!("self->{name}"),
        Scope::Clause => format!("this->{name}"),
    }
}

/// The candidate nearest to `name`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = match name.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    candidates
        .into_iter()
        .filter(|c| !c.is_empty() && *c != name && c.len().abs_diff(name.len()) <= limit)
        .filter_map(|c| Some((distance(name, c, limit)?, c)))
        .min_by_key(|(d, c)| (*d, c.len(), *c))
        .map(|(_, c)| c)
}

/// Edits from one name to the other, where swapping neighbours is one; `None` if they
/// are more than `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let same = x.eq_ignore_ascii_case(y);
            let mut d = (row[j] + usize::from(!same)).min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                d = d.min(before[j - 1] + 1);
            }
            next.push(d);
        }
        if next.iter().min().is_some_and(|least| *least > limit) {
            return None;
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|d| *d <= limit)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names() {
        let all = ["execname", "pid", "ppid", "probefunc", "timestamp"];
        assert_eq!(nearest("execnmae", all), Some("execname"));
        assert_eq!(nearest("timestmp", all), Some("timestamp"));
        assert_eq!(nearest("pidd", all), Some("pid"));
        assert_eq!(nearest("nothing", all), None);
    }
}
