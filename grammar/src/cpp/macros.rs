//! Macros: their definitions, and the table of them.
//!
//! In: the tokens of a `#define`. Out: a [`Macro`] whose body knows its parameters, or what
//! is wrong. A name's number stays the same for good, which is what hide sets hold.

use super::hide::NameId;
use super::token::{Kind, Token};
use crate::source::Span;
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A macro.
#[derive(Clone, Debug)]
pub struct Macro {
    /// Its name's number.
    pub id: NameId,
    /// What it stands for.
    pub body: Body,
    /// Where it was defined.
    pub span: Span,
}

/// What a macro stands for.
#[derive(Clone, Debug)]
pub enum Body {
    /// These tokens.
    Object(Vec<Part>),
    /// These tokens with arguments put in.
    Function(Parameters, Vec<Part>),
    /// What the preprocessor makes up.
    Builtin(Builtin),
}

/// The parameters of a macro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Their names; the last one may be `__VA_ARGS__`.
    pub names: Vec<Rc<str>>,
    /// Whether the last one takes all the arguments that are left.
    pub variadic: bool,
}

/// A part of a body.
#[derive(Clone, Debug)]
pub enum Part {
    /// A token.
    Token(Token),
    /// An argument.
    Argument {
        /// Which.
        index: usize,
        /// Whether blanks come before it.
        space: bool,
    },
    /// `#`: an argument's text as a string.
    Text {
        /// Which.
        index: usize,
        /// Whether blanks come before it.
        space: bool,
    },
    /// `##`
    Paste,
    /// `__VA_OPT__(…)`: these parts, if there are arguments beyond the named ones.
    Optional {
        /// What is in the parentheses.
        parts: Vec<Part>,
        /// Whether blanks come before it.
        space: bool,
    },
    /// A string of a traditional body, in which arguments are put too.
    Inside {
        /// The string in pieces: text, or the number of an argument.
        pieces: Vec<Result<Rc<str>, usize>>,
        /// Whether blanks come before it.
        space: bool,
    },
}

/// Macros that nobody defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after what they are")]
pub enum Builtin {
    File,
    BaseFile,
    Line,
    Date,
    Time,
    Counter,
    IncludeLevel,
}

const BUILTINS: [(&str, Builtin); 7] = [
    ("__FILE__", Builtin::File),
    ("__BASE_FILE__", Builtin::BaseFile),
    ("__LINE__", Builtin::Line),
    ("__DATE__", Builtin::Date),
    ("__TIME__", Builtin::Time),
    ("__COUNTER__", Builtin::Counter),
    ("__INCLUDE_LEVEL__", Builtin::IncludeLevel),
];

/// All macros.
#[derive(Debug)]
pub struct Table {
    ids: FxHashMap<Rc<str>, NameId>,
    macros: Vec<Option<Rc<Macro>>>,
    names: Vec<Rc<str>>,
}

impl Table {
    /// Those that are always there.
    pub fn new() -> Table {
        let mut table = Table { ids: FxHashMap::default(), macros: Vec::new(), names: Vec::new() };
        for (name, builtin) in BUILTINS {
            table.define(&Rc::from(name), Body::Builtin(builtin), Span::default());
        }
        table
    }

    /// The macro of a name.
    pub fn get(&self, name: &str) -> Option<&Rc<Macro>> {
        self.macros[*self.ids.get(name)? as usize].as_ref()
    }

    /// Defines a macro; the one that it takes the place of.
    pub fn define(&mut self, name: &Rc<str>, body: Body, span: Span) -> Option<Rc<Macro>> {
        let id = match self.ids.get(name) {
            Some(id) => *id,
            None => {
                let id = self.macros.len() as NameId;
                self.ids.insert(name.clone(), id);
                self.macros.push(None);
                self.names.push(name.clone());
                id
            }
        };
        self.macros[id as usize].replace(Rc::new(Macro { id, body, span }))
    }

    /// Forgets a macro.
    pub fn undefine(&mut self, name: &str) -> Option<Rc<Macro>> {
        self.macros[*self.ids.get(name)? as usize].take()
    }

    /// Puts a macro, or that there is none, back.
    pub fn restore(&mut self, name: &Rc<str>, old: Option<Rc<Macro>>) {
        match old {
            Some(old) => {
                self.define(name, old.body.clone(), old.span);
            }
            None => {
                self.undefine(name);
            }
        }
    }

    /// All definitions as `#define` lines, in the order of their names' first use.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let defined = self.names.iter().zip(&self.macros);
        defined.filter_map(|(name, m)| m.as_ref()?.line(name))
    }
}

impl Macro {
    /// Whether another definition says the same.
    pub fn same(&self, other: &Macro) -> bool {
        match (&self.body, &other.body) {
            (Body::Object(a), Body::Object(b)) => same_parts(a, b),
            (Body::Function(p, a), Body::Function(q, b)) => p == q && same_parts(a, b),
            (Body::Builtin(a), Body::Builtin(b)) => a == b,
            _ => false,
        }
    }

    fn line(&self, name: &str) -> Option<String> {
        let (parameters, parts) = match &self.body {
            Body::Object(parts) => (None, parts),
            Body::Function(parameters, parts) => (Some(parameters), parts),
            Body::Builtin(_) => return None,
        };
        let mut line = format!("#define {name}");
        if let Some(p) = parameters {
            let names: Vec<&str> = p.names.iter().map(|n| &**n).collect();
            line += &format!("({})", names.join(",").replace("__VA_ARGS__", "..."));
        }
        line.push(' ');
        let start = line.len();
        for part in parts {
            let (text, space) = part.text(parameters);
            if space && line.len() > start {
                line.push(' ');
            }
            line += &text;
        }
        Some(line)
    }
}

impl Part {
    /// As it was written.
    fn text(&self, parameters: Option<&Parameters>) -> (String, bool) {
        let name = |index: usize| parameters.map_or("", |p| &*p.names[index]);
        match self {
            Part::Token(t) => (t.text.to_string(), t.space),
            Part::Argument { index, space } => (name(*index).to_owned(), *space),
            Part::Text { index, space } => (format!("#{}", name(*index)), *space),
            Part::Paste => (" ## ".to_owned(), false),
            Part::Optional { parts, space } => {
                let inner = parts.iter().map(|p| p.text(parameters));
                let inner: String = inner
                    .map(|(text, space)| if space { format!(" {text}") } else { text })
                    .collect();
                (format!("__VA_OPT__({inner})"), *space)
            }
            Part::Inside { pieces, space } => {
                let text = pieces.iter().map(|piece| match piece {
                    Ok(text) => &**text,
                    Err(index) => name(*index),
                });
                (text.collect(), *space)
            }
        }
    }
}

fn same_parts(a: &[Part], b: &[Part]) -> bool {
    // The blanks before the first part are no part of the body.
    let text = |parts: &[Part]| -> Vec<(String, bool)> {
        let parts = parts.iter().enumerate();
        parts
            .map(|(i, p)| {
                let (text, space) = match p {
                    Part::Argument { index, space } => (format!("\0{index}"), *space),
                    Part::Text { index, space } => (format!("#\0{index}"), *space),
                    other => other.text(None),
                };
                (text, space && i > 0)
            })
            .collect()
    };
    a.len() == b.len() && text(a) == text(b)
}

/// A definition that was read, or what is wrong with it.
pub type Definition = Result<(Rc<str>, Body), String>;

/// Reads what follows `#define`.
pub fn definition(tokens: &[Token], traditional: bool) -> Definition {
    let name = match tokens.first() {
        None => return Err("no macro name given in #define directive".to_owned()),
        Some(t) if t.kind != Kind::Ident => {
            return Err("macro names must be identifiers".to_owned());
        }
        Some(t) => t.text.clone(),
    };
    if matches!(&*name, "defined" | "__has_include" | "__has_include_next") {
        return Err(format!("\"{name}\" cannot be used as a macro name"));
    }
    let rest = &tokens[1..];
    match rest.first() {
        Some(open) if open.is("(") && !open.space => {
            let (parameters, used) = parameters(&rest[1..])?;
            let body = body(&rest[1 + used..], Some(&parameters), traditional)?;
            Ok((name, Body::Function(parameters, body)))
        }
        _ => Ok((name, Body::Object(body(rest, None, traditional)?))),
    }
}

/// The parameters after an opening parenthesis, and how many tokens they are.
fn parameters(tokens: &[Token]) -> Result<(Parameters, usize), String> {
    let mut found = Parameters { names: Vec::new(), variadic: false };
    if tokens.first().is_some_and(|t| t.is(")")) {
        return Ok((found, 1));
    }
    let mut at = 0;
    loop {
        let Some(token) = tokens.get(at) else {
            return Err("expected ')' before end of line".to_owned());
        };
        at += 1;
        if token.is("...") {
            found.names.push(Rc::from("__VA_ARGS__"));
            found.variadic = true;
        } else if token.kind == Kind::Ident {
            if found.names.contains(&token.text) {
                return Err(format!("duplicate macro parameter \"{}\"", token.text));
            }
            found.names.push(token.text.clone());
            if tokens.get(at).is_some_and(|t| t.is("...")) {
                found.variadic = true;
                at += 1;
            }
        } else {
            return Err(format!("expected parameter name, found \"{}\"", token.text));
        }
        match tokens.get(at) {
            Some(t) if t.is(")") => return Ok((found, at + 1)),
            Some(t) if t.is(",") && !found.variadic => at += 1,
            Some(t) => return Err(format!("expected ',' or ')', found \"{}\"", t.text)),
            None => return Err("expected ')' before end of line".to_owned()),
        }
    }
}

/// A body's tokens as parts.
fn body(
    tokens: &[Token],
    parameters: Option<&Parameters>,
    traditional: bool,
) -> Result<Vec<Part>, String> {
    let index = |t: &Token| {
        let names = &parameters?.names;
        (t.kind == Kind::Ident).then(|| names.iter().position(|n| *n == t.text)).flatten()
    };
    let mut parts: Vec<Part> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let space = token.space;
        let part = match (index(token), parameters) {
            (Some(index), _) => Part::Argument { index, space },
            (_, Some(p)) if traditional && matches!(token.kind, Kind::String | Kind::Char) => {
                Part::Inside { pieces: inside(&token.text, p), space }
            }
            _ if traditional => Part::Token(token.clone()),
            (_, Some(_)) if token.is("#") => {
                let Some(index) = tokens.get(at).and_then(index) else {
                    return Err("'#' is not followed by a macro parameter".to_owned());
                };
                at += 1;
                Part::Text { index, space }
            }
            (_, Some(p)) if p.variadic && &*token.text == "__VA_OPT__" => {
                let Some(length) = enclosed(&tokens[at..]) else {
                    return Err("unterminated __VA_OPT__".to_owned());
                };
                let inner = &tokens[at + 1..at + length - 1];
                if inner.iter().any(|t| &*t.text == "__VA_OPT__") {
                    return Err("__VA_OPT__ may not appear in a __VA_OPT__".to_owned());
                }
                let parts = body(inner, parameters, traditional)?;
                at += length;
                Part::Optional { parts, space }
            }
            _ if token.is("##") => Part::Paste,
            _ => Part::Token(token.clone()),
        };
        parts.push(part);
    }
    if matches!(parts.first(), Some(Part::Paste)) || matches!(parts.last(), Some(Part::Paste)) {
        return Err("'##' cannot appear at either end of a macro expansion".to_owned());
    }
    Ok(parts)
}

/// How many tokens a pair of parentheses and what is in it are.
fn enclosed(tokens: &[Token]) -> Option<usize> {
    let mut depth = 0usize;
    for (i, token) in tokens.iter().enumerate() {
        depth += usize::from(token.is("("));
        if depth == 0 {
            return None;
        }
        depth -= usize::from(token.is(")"));
        if depth == 0 {
            return Some(i + 1);
        }
    }
    None
}

/// A string of a traditional body, taken apart at the names of parameters.
fn inside(text: &str, parameters: &Parameters) -> Vec<Result<Rc<str>, usize>> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let same = rest.find(|d| is_name(d) != is_name(c)).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(same);
        rest = after;
        pieces.push(match parameters.names.iter().position(|n| **n == *piece) {
            Some(index) => Err(index),
            None => Ok(Rc::from(piece)),
        });
    }
    pieces
}
