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
pub(crate) use strand_grammar::suggest::nearest;

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
