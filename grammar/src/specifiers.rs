//! Words before a declarator put together: specifiers, storage classes, prototypes.
//!
//! In: the words as they were written, in any order. Out: a type and a storage class, or
//! the parameters of a function or tuple. Decides which words go together; what doesn't is
//! reported, and something made of it anyway.

use crate::ast::*;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::{Actions, Prototype, SpecWord};

/// C's basic words in one list of specifiers.
struct Basic<'a> {
    words: &'a [&'static str],
}

impl Basic<'_> {
    fn count(&self, word: &str) -> usize {
        self.words.iter().filter(|w| **w == word).count()
    }

    fn has(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.count(w) > 0)
    }

    /// The words that are a type by themselves.
    fn types(&self) -> Vec<&'static str> {
        let is_type = |w: &&str| matches!(*w, "char" | "int" | "float" | "double");
        self.words.iter().copied().filter(is_type).collect()
    }

    /// The type that the words mean together, if any.
    fn meaning(&self) -> Option<BasicType> {
        use BasicType::*;
        let (signed, unsigned) = (self.count("signed"), self.count("unsigned"));
        if signed + unsigned > 1 || self.count("short") > 1 {
            return None;
        }
        let types = self.types();
        let (shorts, longs) = (self.count("short"), self.count("long"));
        Some(match (types.as_slice(), shorts, longs, unsigned > 0) {
            ([] | ["int"], 0, 0, false) => Int,
            ([] | ["int"], 0, 0, true) => UnsignedInt,
            ([] | ["int"], 0, 1, false) => Long,
            ([] | ["int"], 0, 1, true) => UnsignedLong,
            ([] | ["int"], 0, 2, false) => LongLong,
            ([] | ["int"], 0, 2, true) => UnsignedLongLong,
            ([] | ["int"], 1, 0, false) => Short,
            ([] | ["int"], 1, 0, true) => UnsignedShort,
            (["char"], 0, 0, true) => UnsignedChar,
            (["char"], 0, 0, false) if signed > 0 => SignedChar,
            (["char"], 0, 0, false) => Char,
            (["float"], 0, 0, false) if signed == 0 => Float,
            (["double"], 0, 0, false) if signed == 0 => Double,
            (["double"], 0, 1, false) if signed == 0 => LongDouble,
            _ => return None,
        })
    }

    /// What is wrong with words that mean no type: a tag and a sentence.
    fn problem(&self) -> (&'static str, String) {
        let types = self.types();
        let all = self.words.join(" ");
        if types.len() > 1 {
            return ("D_DECL_COMBO", format!("`{}` are several types", types.join(" ")));
        }
        match types.first() {
            Some(&"char") if self.has(&["short", "long"]) => {
                ("D_DECL_CHARATTR", format!("`{all}`: a char is neither short nor long"))
            }
            Some(&("float" | "double")) if self.has(&["signed", "unsigned"]) => {
                ("D_DECL_SIGNINT", format!("`{all}`: only integers are signed or unsigned"))
            }
            _ => ("D_UNKNOWN", format!("`{all}` is not a type")),
        }
    }
}

/// What a word of C means next to a type that it can't change: a tag and a sentence.
fn misplaced(kind: &TypeSpecKind, basic: &Basic<'_>) -> (&'static str, String) {
    let all = basic.words.join(" ");
    if !basic.types().is_empty() {
        return ("D_DECL_COMBO", format!("`{all}` can't be combined with another type"));
    }
    if *kind == TypeSpecKind::Void {
        return ("D_DECL_VOIDATTR", format!("`{all} void`: void has no size or sign"));
    }
    if basic.has(&["signed", "unsigned"]) {
        return ("D_DECL_SIGNINT", format!("`{all}` only goes with C's integer types"));
    }
    if basic.has(&["long"]) {
        return ("D_DECL_LONGINT", format!("`{all}` only goes with `int` and `double`"));
    }
    ("D_DECL_COMBO", format!("`{all}` can't be combined with another type"))
}

impl Actions {
    /// Specifiers put together.
    pub fn type_spec(&self, l: usize, r: usize, words: Vec<SpecWord>) -> TypeSpec {
        let span = self.span(l, r);
        let (mut is_const, mut is_volatile, mut userland) = (false, false, false);
        let mut basic = Vec::new();
        let mut kind = None;
        for word in words {
            match word {
                SpecWord::Basic(w) => basic.push(w),
                SpecWord::Const => is_const = true,
                SpecWord::Volatile => is_volatile = true,
                SpecWord::Userland => userland = true,
                SpecWord::Ignored | SpecWord::Storage(..) => {}
                SpecWord::Kind(k) => {
                    if kind.replace(k).is_some() {
                        let message = "two types can't be combined in one declaration";
                        self.report(Diagnostic::error("D_DECL_COMBO", span, message));
                    }
                }
            }
        }
        let basic = Basic { words: &basic };
        let problem = match &kind {
            Some(k) if !basic.words.is_empty() => Some(misplaced(k, &basic)),
            None if basic.meaning().is_none() => Some(basic.problem()),
            _ => None,
        };
        if let Some((code, message)) = problem {
            self.report(Diagnostic::error(code, span, message));
        }
        let int = || TypeSpecKind::Basic(basic.meaning().unwrap_or(BasicType::Int));
        TypeSpec { kind: kind.unwrap_or_else(int), is_const, is_volatile, userland, span }
    }

    /// Specifiers of a declaration, with at most one storage class among them.
    pub fn declaration_spec(
        &self,
        l: usize,
        r: usize,
        words: Vec<SpecWord>,
    ) -> (Storage, TypeSpec) {
        let mut storage: Option<(Storage, Span)> = None;
        for word in &words {
            let SpecWord::Storage(class, span) = word else { continue };
            if let Some((_, first)) = storage {
                let message = "a declaration has one storage class";
                let d = Diagnostic::error("D_DECL_CLASS", *span, message);
                self.report(d.label(first, "here is one already"));
            } else {
                storage = Some((*class, *span));
            }
        }
        let storage = storage.map_or(Storage::None, |(class, _)| class);
        (storage, self.type_spec(l, r, words))
    }

    /// Specifiers of a parameter: only `register` may stand among them.
    pub fn parameter_spec(&self, l: usize, r: usize, words: Vec<SpecWord>) -> TypeSpec {
        for word in &words {
            if let SpecWord::Storage(class, span) = word
                && *class != Storage::Register
            {
                let message = "a parameter has no storage class";
                self.report(Diagnostic::error("D_DECL_PARMCLASS", *span, message));
            }
        }
        self.type_spec(l, r, words)
    }

    // ------------------------------------------------------------------ prototypes

    /// `(T, …)` behind a declarator.
    pub fn function(&self, p: Prototype) -> Derived {
        let params = self.sole_void(p.params);
        self.parameters(&params, "function");
        Derived::Function {
            params: params.into_iter().map(|p| p.ty).collect(),
            variadic: p.variadic.is_some(),
        }
    }

    /// `[T, …]` behind a declarator.
    pub fn tuple(&self, p: Prototype) -> Vec<Parameter> {
        if let Some(at) = p.variadic {
            let message = "the number of an array's keys is fixed";
            self.report(Diagnostic::error("D_DECL_PROTO_VARARGS", at, message));
        }
        for void in p.params.iter().filter(|p| is_void(p)) {
            let message = "a key can't be of type void";
            self.report(Diagnostic::error("D_DECL_PROTO_TYPE", void.ty.span, message));
        }
        self.parameters(&p.params, "array");
        p.params
    }

    /// `(void)` is no parameter, and void is nothing else.
    pub fn sole_void(&self, params: Vec<Parameter>) -> Vec<Parameter> {
        let Some(void) = params.iter().find(|p| is_void(p)) else { return params };
        if let Some(name) = &void.name {
            let message = format!("`{}` can't be of type void", name.name);
            self.report(Diagnostic::error("D_DECL_PROTO_NAME", name.span, message));
        } else if params.len() > 1 {
            let message = "void stands alone: it says that there are no parameters";
            self.report(Diagnostic::error("D_DECL_PROTO_VOID", void.ty.span, message));
        }
        if params.len() == 1 { Vec::new() } else { params }
    }

    /// What holds for parameters of any kind.
    fn parameters(&self, params: &[Parameter], what: &str) {
        for (i, p) in params.iter().enumerate() {
            if matches!(p.ty.derived.first(), Some(Derived::Associative(_))) {
                let message = format!("a parameter of this {what} is an associative array");
                let d = Diagnostic::error("D_DECL_PROTO_TYPE", p.ty.span, message);
                self.report(d.hint("only variables can be associative arrays"));
            }
            let Some(name) = &p.name else { continue };
            let names = params[..i].iter().filter_map(|p| p.name.as_ref());
            if let Some(first) = names.into_iter().find(|n| n.name == name.name) {
                let message = format!("there are two parameters `{}`", name.name);
                let d = Diagnostic::error("D_DECL_PROTO_FORM", name.span, message);
                self.report(d.label(first.span, "the other one"));
            }
        }
    }
}

fn is_void(p: &Parameter) -> bool {
    p.ty.base.kind == TypeSpecKind::Void && p.ty.derived.is_empty()
}
