//! What the grammar's productions make.
//!
//! In: pieces of syntax. Out: nodes, put together by the rules that a grammar can't say:
//! which specifiers make a type, how a declarator is read from the name outwards. What is
//! wrong on the way is gathered, and the node made anyway.

use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::source::{SourceId, Span};
use std::cell::RefCell;

/// What a stream of tokens turned out to be.
#[derive(Debug)]
pub enum Parsed {
    /// One item, or several declared at once.
    Items(Vec<Item>),
    /// An expression.
    Expr(Expr),
    /// A type name.
    Type(TypeName),
}

/// A declarator: the declared name and what is around it.
#[derive(Debug)]
pub struct Declarator {
    /// The name.
    pub name: Ident,
    /// From the name outwards.
    pub derived: Vec<Derived>,
    /// The last list of types in brackets, with the names in it: an inline's parameters.
    pub params: Option<Vec<Parameter>>,
}

impl Declarator {
    /// With one more suffix.
    pub fn with(mut self, suffix: Suffix) -> Self {
        if let Suffix::Keys(keys) = &suffix {
            self.params = Some(keys.clone());
        }
        self.derived.push(suffix.derived());
        self
    }
}

/// Brackets or parentheses behind a declarator.
#[derive(Debug)]
pub enum Suffix {
    /// As it is.
    Plain(Derived),
    /// `[T a, U b]`
    Keys(Vec<Parameter>),
}

impl Suffix {
    /// Without names.
    pub fn derived(self) -> Derived {
        match self {
            Suffix::Plain(d) => d,
            Suffix::Keys(keys) => Derived::Associative(keys.into_iter().map(|k| k.ty).collect()),
        }
    }
}

/// One word of a list of specifiers.
#[derive(Debug)]
#[allow(missing_docs, reason = "named after the keywords")]
pub enum SpecWord {
    Basic(&'static str),
    Kind(TypeSpecKind),
    Const,
    Volatile,
    Userland,
    Ignored,
    Storage(Storage, Span),
}

/// What is in the parentheses of a function or the brackets of a tuple.
#[derive(Debug)]
pub struct Prototype {
    /// In order.
    pub params: Vec<Parameter>,
    /// Where a `…` is.
    pub variadic: Option<Span>,
}

/// The parentheses of a `for`.
#[derive(Debug)]
#[allow(missing_docs, reason = "named after its parts")]
pub struct ForHead {
    pub init: Option<Expr>,
    pub condition: Option<Expr>,
    pub step: Option<Expr>,
}

/// Where productions put what is wrong, and how they make spans.
#[derive(Debug)]
pub struct Actions {
    source: SourceId,
    /// What was wrong.
    pub diagnostics: RefCell<Vec<Diagnostic>>,
}

/// An expression as a statement.
pub fn statement_of(e: Expr) -> Statement {
    Statement { span: e.span, kind: StatementKind::Expr(e) }
}

/// A name in an expression: back-quotes make it a kernel variable.
pub fn name(ident: Ident) -> ExprKind {
    match ident.name.rsplit_once('`') {
        None => ExprKind::Name(Scope::Global, ident),
        Some((module, name)) => {
            let module = (!module.is_empty()).then(|| module.to_owned());
            let name = Ident { name: name.to_owned(), span: ident.span };
            ExprKind::Kernel { module, name }
        }
    }
}

/// A type's name, perhaps with its module.
pub fn named(name: String, span: Span) -> TypeSpecKind {
    let (module, name) = split_module(name);
    TypeSpecKind::Named { module, name: Ident { name, span } }
}

fn split_module(name: String) -> (Option<String>, String) {
    match name.rsplit_once('`') {
        Some((m, n)) => ((!m.is_empty()).then(|| m.to_owned()), n.to_owned()),
        None => (None, name),
    }
}

fn tag(tag: Option<Ident>) -> (Option<String>, Option<Ident>) {
    match tag {
        Some(Ident { name, span }) => {
            let (module, name) = split_module(name);
            (module, Some(Ident { name, span }))
        }
        None => (None, None),
    }
}

/// `struct s`, `union u { … }`
pub fn record(
    is_union: bool,
    name: Option<Ident>,
    members: Option<Vec<MemberDeclaration>>,
) -> TypeSpecKind {
    let (module, tag) = tag(name);
    TypeSpecKind::Record { is_union, module, tag, members }
}

/// `enum e { … }`
pub fn enumeration(name: Option<Ident>, items: Option<Vec<Enumerator>>) -> TypeSpecKind {
    let (module, tag) = tag(name);
    TypeSpecKind::Enum { module, tag, items }
}

impl Actions {
    /// For tokens of this source.
    pub fn new(source: SourceId) -> Self {
        Actions { source, diagnostics: RefCell::default() }
    }

    /// `f(args)`
    pub fn call(&self, f: Expr, args: Vec<Expr>) -> ExprKind {
        if let ExprKind::Name(Scope::Global, function) = f.kind {
            return ExprKind::Call { function, args };
        }
        self.diagnostics.borrow_mut().push(
            Diagnostic::error("D_FUNC_IDENT", f.span, "this is not the name of a function")
                .here("only a name can be called")
                .hint("an operator may be missing before the `(`"),
        );
        f.kind
    }

    /// A span of this source.
    pub fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, start..end)
    }

    /// Keeps what is wrong.
    pub fn report(&self, d: Diagnostic) {
        self.diagnostics.borrow_mut().push(d);
    }

    /// A statement.
    pub fn statement(&self, l: usize, r: usize, kind: StatementKind) -> Statement {
        Statement { kind, span: self.span(l, r) }
    }

    fn block_of(&self, l: usize, r: usize, s: Option<Statement>) -> Block {
        match s {
            Some(Statement { kind: StatementKind::Block(b), .. }) => b,
            Some(s) => Block { span: s.span, statements: vec![s] },
            None => Block { statements: Vec::new(), span: self.span(l, r) },
        }
    }

    /// `if`
    pub fn if_statement(
        &self,
        l: usize,
        r: usize,
        condition: Expr,
        then: Option<Statement>,
        otherwise: Option<Option<Statement>>,
    ) -> Statement {
        let then = self.block_of(l, r, then);
        let otherwise = otherwise.map(|s| self.block_of(l, r, s));
        self.statement(l, r, StatementKind::If { condition, then, otherwise })
    }

    /// `while`
    pub fn while_statement(
        &self,
        l: usize,
        r: usize,
        condition: Expr,
        body: Option<Statement>,
    ) -> Statement {
        let body = self.block_of(l, r, body);
        self.statement(l, r, StatementKind::While { condition, body })
    }

    /// `for`
    pub fn for_statement(
        &self,
        l: usize,
        r: usize,
        head: ForHead,
        body: Option<Statement>,
    ) -> Statement {
        let body = self.block_of(l, r, body);
        let ForHead { init, condition, step } = head;
        self.statement(l, r, StatementKind::For { init, condition, step, body })
    }

    /// `e[keys]`; the first brackets of an aggregation are its tuple.
    pub fn index(&self, l: usize, r: usize, e: Expr, keys: Vec<Expr>) -> Expr {
        let span = self.span(l, r);
        let kind = match e {
            Expr { kind: ExprKind::Aggregation(a), .. } if a.keys.is_empty() => {
                ExprKind::Aggregation(Aggregation { keys, ..a })
            }
            e => ExprKind::Index(Box::new(e), keys),
        };
        Expr { kind, span }
    }

    /// A name that is declared here.
    pub fn declared(&self, name: Ident) -> Ident {
        if name.name.contains('`') {
            let message = format!("`{}` can't be declared with a module", name.name);
            let d = Diagnostic::error("D_DECL_SCOPE", name.span, message);
            self.report(d.hint("leave out the back-quote"));
        }
        name
    }

    /// The tag of a type that is defined here.
    pub fn defined(&self, tag: Option<Ident>) -> Option<Ident> {
        if let Some(Ident { name, span }) = &tag
            && name.contains('`')
        {
            let message =
                format!("`{name}` can't be defined: only modules have types of their own");
            self.report(Diagnostic::error("D_SYNTAX", *span, message));
        }
        tag
    }

    fn type_name(&self, base: &TypeSpec, derived: Vec<Derived>, span: Span) -> TypeName {
        TypeName { base: base.clone(), derived, span }
    }

    /// The members that one declaration in a struct makes.
    pub fn members(
        &self,
        base: TypeSpec,
        declarators: Vec<(Option<Declarator>, Option<Expr>)>,
    ) -> Vec<MemberDeclaration> {
        if declarators.is_empty() {
            let ty = self.type_name(&base, Vec::new(), base.span);
            return vec![MemberDeclaration { name: None, ty, bits: None }];
        }
        declarators
            .into_iter()
            .map(|(d, bits)| {
                let (name, derived) = d.map_or((None, Vec::new()), |d| (Some(d.name), d.derived));
                let span = name.as_ref().map_or(base.span, |n| base.span.to(n.span));
                MemberDeclaration { name, ty: self.type_name(&base, derived, span), bits }
            })
            .collect()
    }

    /// A parameter.
    pub fn parameter(
        &self,
        l: usize,
        r: usize,
        base: TypeSpec,
        name: Option<Ident>,
        derived: Vec<Derived>,
    ) -> Parameter {
        Parameter { ty: self.type_name(&base, derived, self.span(l, r)), name }
    }

    /// The declarations that one statement makes.
    pub fn declarations(
        &self,
        l: usize,
        r: usize,
        (storage, base): (Storage, TypeSpec),
        declarators: Vec<Declarator>,
    ) -> Vec<Item> {
        let span = self.span(l, r);
        if declarators.is_empty() {
            let kind = &base.kind;
            if !matches!(kind, TypeSpecKind::Record { .. } | TypeSpecKind::Enum { .. }) {
                let d = Diagnostic::error("D_DECL_USELESS", span, "this declares nothing");
                self.report(d.hint("a name is missing"));
            }
            let ty = self.type_name(&base, Vec::new(), base.span);
            return vec![Item::Declaration(Declaration { storage, name: None, ty, span })];
        }
        declarators
            .into_iter()
            .map(|d| {
                let ty = self.type_name(&base, d.derived, base.span.to(d.name.span));
                Item::Declaration(Declaration { storage, name: Some(d.name), ty, span })
            })
            .collect()
    }

    /// `inline`; parameters in brackets come as an associative array's key types.
    pub fn inline(
        &self,
        l: usize,
        r: usize,
        (storage, base): (Storage, TypeSpec),
        mut d: Declarator,
        value: Expr,
    ) -> Inline {
        let span = self.span(l, r);
        if storage != Storage::None {
            let message = "an inline has no storage class";
            self.report(Diagnostic::error("D_DECL_BADCLASS", base.span, message));
        }
        // The brackets are the parameters, not a part of the type.
        if d.params.is_some() {
            d.derived.retain(|d| !matches!(d, Derived::Associative(_)));
        }
        let ty = self.type_name(&base, d.derived, base.span.to(d.name.span));
        Inline { name: d.name, ty, params: d.params, value, span }
    }

    /// `translator`
    pub fn translator(
        &self,
        l: usize,
        r: usize,
        output: TypeName,
        input: TypeSpec,
        d: Declarator,
        members: Vec<(Ident, Expr)>,
    ) -> Translator {
        let input = self.type_name(&input, d.derived, input.span.to(d.name.span));
        Translator { output, input, param: d.name, members, span: self.span(l, r) }
    }
}
