//! C declarations to BTF, so that a test's kernel can be written down as a header.
//!
//! In: structs, unions, enums, typedefs, functions and variables in C, in any order that
//! C takes. Out: the bytes of a `.BTF` section with the layouts of x86_64 and arm64 and
//! the names of integers that gcc gives. Decides sizes and offsets; understands no
//! preprocessor and no expressions but constants.
//!
//! `__user`, `__rcu` and `__percpu` become type tags, `__packed` behind a record's name
//! or `__attribute__((packed))` behind its body packs it. What is named but never
//! defined becomes a forward declaration.

mod layout;
#[cfg(test)]
mod tests;

use super::write::{BtfBuilder, IntEncoding, Linkage, NewMember, NewType};
use super::{Btf, BtfKind};
use layout::{RecordLayout, base_shape};
use rustc_hash::FxHashMap;

/// Why a text is not a list of declarations.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DeclareError {
    /// 1-based.
    pub line: u32,
    /// What was found or missed.
    pub message: String,
}

/// The BTF of these declarations.
pub fn declare(text: &str) -> Result<Vec<u8>, DeclareError> {
    Parser::new(text, BtfBuilder::new(), None)?.run()
}

/// The same as split BTF that may use the types of `base`, as a module does.
pub fn declare_on(text: &str, base: &Btf) -> Result<Vec<u8>, DeclareError> {
    Parser::new(text, BtfBuilder::on(base), Some(base))?.run()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Number(i64),
    Punct(&'a str),
}

/// Splits into tokens with their lines.
fn tokens(text: &str) -> Result<Vec<(Token<'_>, u32)>, DeclareError> {
    let mut out = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(c) = rest.chars().next() {
        let word = |s: &str| s.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(s.len());
        let len = match c {
            _ if c.is_whitespace() => c.len_utf8(),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |n| n + 2),
            'a'..='z' | 'A'..='Z' | '_' => {
                let len = word(rest);
                out.push((Token::Word(&rest[..len]), line));
                len
            }
            '0'..='9' => {
                let len = word(rest);
                let digits = rest[..len].trim_end_matches(['u', 'U', 'l', 'L']);
                let value = match digits.strip_prefix("0x") {
                    Some(hex) => u64::from_str_radix(hex, 16),
                    None => digits.parse(),
                };
                let message = format!("`{}` is no number", &rest[..len]);
                let value = value.map_err(|_| DeclareError { line, message })?;
                out.push((Token::Number(value as i64), line));
                len
            }
            _ => {
                let len = ["...", "<<"].iter().find(|p| rest.starts_with(**p)).map(|p| p.len());
                let len = len.unwrap_or(c.len_utf8());
                out.push((Token::Punct(&rest[..len]), line));
                len
            }
        };
        line += rest[..len].matches('\n').count() as u32;
        rest = &rest[len..];
    }
    Ok(out)
}

/// What stands between a declared name and the type in front, from the name outwards.
enum Modifier<'a> {
    Pointer,
    Qualifier(BtfKind, &'a str),
    Array(u32),
    Function(Vec<(&'a str, u32)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Tag {
    Struct,
    Union,
    Enum,
}

/// Size and alignment in bytes.
type Shape = (u32, u32);

struct Parser<'a> {
    tokens: Vec<(Token<'a>, u32)>,
    at: usize,
    out: BtfBuilder,
    base: Option<&'a Btf>,
    tags: FxHashMap<(Tag, &'a str), u32>,
    /// Tags in order of appearance, to be declared forward if they aren't defined.
    pending: Vec<(Tag, &'a str, u32)>,
    typedefs: FxHashMap<&'a str, u32>,
    constants: FxHashMap<&'a str, i64>,
    /// Of complete types.
    shapes: FxHashMap<u32, Shape>,
    /// What typedefs and qualifiers stand for: it may be completed later.
    aliases: FxHashMap<u32, u32>,
}

type Parsed<T> = Result<T, DeclareError>;

impl<'a> Parser<'a> {
    fn new(text: &'a str, out: BtfBuilder, base: Option<&'a Btf>) -> Parsed<Self> {
        Ok(Parser {
            tokens: tokens(text)?,
            at: 0,
            out,
            base,
            tags: FxHashMap::default(),
            pending: Vec::new(),
            typedefs: FxHashMap::default(),
            constants: FxHashMap::default(),
            shapes: FxHashMap::default(),
            aliases: FxHashMap::default(),
        })
    }

    fn run(mut self) -> Parsed<Vec<u8>> {
        while self.peek().is_some() {
            self.declaration()?;
        }
        for (tag, name, id) in std::mem::take(&mut self.pending) {
            let is_union = tag == Tag::Union;
            match tag {
                _ if self.shapes.contains_key(&id) => {}
                Tag::Enum => {
                    let ty = NewType::Enum { name, size: 4, signed: false, items: &[] };
                    self.out.define(id, ty);
                }
                _ => self.out.define(id, NewType::Forward { name, is_union }),
            }
        }
        Ok(self.out.finish())
    }

    // ------------------------------------------------------------- tokens

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|t| t.0)
    }

    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        let line = self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |t| t.1);
        Err(DeclareError { line, message: message.into() })
    }

    fn eat(&mut self, punct: &str) -> bool {
        let found = self.peek() == Some(Token::Punct(punct));
        self.at += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(Token::Word(word));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, punct: &str) -> Parsed<()> {
        if self.eat(punct) { Ok(()) } else { self.error(format!("`{punct}` expected")) }
    }

    fn word(&mut self) -> Option<&'a str> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        self.at += 1;
        Some(word)
    }

    /// A number, an earlier enumerator, or some of them joined by `<<`, `|`, `+`, `-`.
    fn constant(&mut self) -> Parsed<i64> {
        let mut value = 0i64;
        let mut op = "+";
        loop {
            let negative = self.eat("-");
            let term = match self.peek() {
                Some(Token::Number(n)) => n,
                Some(Token::Word(w)) if self.constants.contains_key(w) => self.constants[w],
                _ => return self.error("a constant expected"),
            };
            self.at += 1;
            let term = if negative { term.wrapping_neg() } else { term };
            value = match op {
                "<<" => value.wrapping_shl(term as u32),
                "|" => value | term,
                "-" => value.wrapping_sub(term),
                _ => value.wrapping_add(term),
            };
            match self.peek() {
                Some(Token::Punct(p @ ("<<" | "|" | "+" | "-"))) => op = p,
                _ => return Ok(value),
            }
            self.at += 1;
        }
    }

    // -------------------------------------------------------------- types

    fn add(&mut self, ty: NewType, shape: Option<Shape>) -> u32 {
        let id = self.out.add(ty);
        if let Some(shape) = shape {
            self.shapes.insert(id, shape);
        }
        id
    }

    /// Size and alignment of a type; `None` if it is incomplete.
    fn shape(&self, id: u32) -> Option<Shape> {
        let mut id = id;
        while let Some(to) = self.aliases.get(&id) {
            id = *to;
        }
        self.shapes.get(&id).copied().or_else(|| base_shape(self.base?, id))
    }

    fn apply(&mut self, ty: u32, modifier: Modifier<'a>) -> u32 {
        match modifier {
            Modifier::Pointer => self.add(NewType::Pointer(ty), Some((8, 8))),
            Modifier::Qualifier(kind, name) => {
                let id = self.out.add(NewType::Qualifier { kind, name, to: ty });
                self.aliases.insert(id, ty);
                id
            }
            Modifier::Array(len) => {
                let shape = self.shape(ty).map(|(size, align)| (size.saturating_mul(len), align));
                self.add(NewType::Array { element: ty, len }, shape)
            }
            Modifier::Function(params) => {
                self.add(NewType::FunctionProto { ret: ty, params: &params }, None)
            }
        }
    }

    /// One of the words that qualify what they stand beside.
    fn qualifier(&mut self) -> Option<Modifier<'a>> {
        let (kind, name) = match self.peek()? {
            Token::Word("const") => (BtfKind::Const, ""),
            Token::Word("volatile") => (BtfKind::Volatile, ""),
            Token::Word("restrict") => (BtfKind::Restrict, ""),
            Token::Word("__user") => (BtfKind::TypeTag, "user"),
            Token::Word("__rcu") => (BtfKind::TypeTag, "rcu"),
            Token::Word("__percpu") => (BtfKind::TypeTag, "percpu"),
            _ => return None,
        };
        self.at += 1;
        Some(Modifier::Qualifier(kind, name))
    }

    /// The type in front of declarators.
    fn specifiers(&mut self) -> Parsed<u32> {
        let mut qualifiers = Vec::new();
        let mut words = Vec::new();
        let mut ty = None;
        loop {
            if let Some(q) = self.qualifier() {
                qualifiers.push(q);
                continue;
            }
            let Some(Token::Word(word)) = self.peek() else { break };
            let tag = match word {
                "struct" => Some(Tag::Struct),
                "union" => Some(Tag::Union),
                "enum" => Some(Tag::Enum),
                _ => None,
            };
            if let Some(tag) = tag {
                self.at += 1;
                ty = Some(self.tagged(tag)?);
            } else if let Some(known) = arithmetic(word) {
                self.at += 1;
                words.push(known);
            } else if ty.is_none() && words.is_empty() {
                let Some(id) = self.typedef(word) else {
                    return self.error(format!("`{word}` is no type"));
                };
                self.at += 1;
                ty = Some(id);
            } else {
                break;
            }
        }
        let mut ty = match (ty, words.is_empty()) {
            (Some(ty), true) => ty,
            (None, false) => self.integer(&words)?,
            _ => return self.error("a type expected"),
        };
        for q in qualifiers {
            ty = self.apply(ty, q);
        }
        Ok(ty)
    }

    fn typedef(&self, name: &str) -> Option<u32> {
        let own = self.typedefs.get(name).copied();
        own.or_else(|| self.base?.find(name, |k| k == BtfKind::Typedef))
    }

    /// The type that some of C's words make: `unsigned long`.
    fn integer(&mut self, words: &[&str]) -> Parsed<u32> {
        use IntEncoding::{Bool, Signed, Unsigned};
        let count = |w| words.iter().filter(|x| **x == w).count();
        let unsigned = count("unsigned") > 0;
        let (size, signed, plain) = match (count("long"), count("short"), count("char")) {
            _ if count("void") > 0 => return Ok(0),
            _ if count("_Bool") > 0 => return Ok(self.basic("_Bool", 1, Bool)),
            (1, ..) if count("double") > 0 => return self.error("`long double` is not known"),
            _ if count("double") + count("float") > 0 => {
                let (name, size) = if count("float") > 0 { ("float", 4) } else { ("double", 8) };
                return Ok(self.add(NewType::Float { name, size }, Some((size, size))));
            }
            _ if count("__int128") > 0 => (16, "__int128", "__int128 unsigned"),
            // The kernel's plain char is unsigned.
            (0, 0, 1) if !unsigned && count("signed") == 0 => {
                return Ok(self.basic("char", 1, Unsigned));
            }
            (0, 0, 1) => (1, "signed char", "unsigned char"),
            (0, 1, 0) => (2, "short int", "short unsigned int"),
            (0, 0, 0) => (4, "int", "unsigned int"),
            (1, 0, 0) => (8, "long int", "long unsigned int"),
            (2, 0, 0) => (8, "long long int", "long long unsigned int"),
            _ => return self.error(format!("`{}` is no type", words.join(" "))),
        };
        Ok(match unsigned {
            true => self.basic(plain, size, Unsigned),
            false => self.basic(signed, size, Signed),
        })
    }

    fn basic(&mut self, name: &str, size: u32, encoding: IntEncoding) -> u32 {
        self.add(NewType::Int { name, size, encoding }, Some((size, size)))
    }

    /// What follows `struct`, `union` or `enum`.
    fn tagged(&mut self, tag: Tag) -> Parsed<u32> {
        let mut packed = self.eat_word("__packed");
        let name = self.word().unwrap_or("");
        packed |= self.eat_word("__packed");
        let body = self.peek() == Some(Token::Punct("{"));
        if name.is_empty() && !body {
            return self.error("a name or `{` expected");
        }
        let id = self.tag(tag, name, body);
        if body {
            self.at += 1;
            match tag {
                Tag::Enum => self.enumeration(id, name)?,
                _ => self.record(id, name, tag == Tag::Union, packed)?,
            }
        }
        Ok(id)
    }

    /// The id of a tag; unnamed ones are always new.
    fn tag(&mut self, tag: Tag, name: &'a str, defines: bool) -> u32 {
        if let Some(id) = self.tags.get(&(tag, name)).filter(|_| !name.is_empty()) {
            return *id;
        }
        let wanted = |kind| match tag {
            Tag::Struct => kind == BtfKind::Struct,
            Tag::Union => kind == BtfKind::Union,
            Tag::Enum => matches!(kind, BtfKind::Enum | BtfKind::Enum64),
        };
        let inherited = self.base.filter(|_| !defines).and_then(|b| b.find(name, wanted));
        let id = inherited.unwrap_or_else(|| self.out.reserve());
        if inherited.is_none() {
            self.pending.push((tag, name, id));
        }
        self.tags.insert((tag, name), id);
        id
    }

    fn enumeration(&mut self, id: u32, name: &'a str) -> Parsed<()> {
        let mut items = Vec::new();
        let mut next = 0;
        while !self.eat("}") {
            let Some(item) = self.word() else { return self.error("an enumerator expected") };
            if self.eat("=") {
                next = self.constant()?;
            }
            items.push((item, next));
            self.constants.insert(item, next);
            next = next.wrapping_add(1);
            if !self.eat(",") && self.peek() != Some(Token::Punct("}")) {
                return self.error("`,` or `}` expected");
            }
        }
        let signed = items.iter().any(|(_, v)| *v < 0);
        let fits =
            |v: i64| if signed { i32::try_from(v).is_ok() } else { u32::try_from(v).is_ok() };
        let size = if items.iter().all(|(_, v)| fits(*v)) { 4 } else { 8 };
        self.out.define(id, NewType::Enum { name, size, signed, items: &items });
        self.shapes.insert(id, (size, size));
        Ok(())
    }

    // ------------------------------------------------------------ records

    fn record(&mut self, id: u32, name: &'a str, is_union: bool, packed: bool) -> Parsed<()> {
        let mut fields = Vec::new();
        while !self.eat("}") {
            let ty = self.specifiers()?;
            if self.eat(";") {
                fields.push(("", ty, None));
                continue;
            }
            loop {
                let (name, modifiers) = self.declarator()?;
                let ty = modifiers.into_iter().rev().fold(ty, |ty, m| self.apply(ty, m));
                let bits = if self.eat(":") { Some(self.constant()?) } else { None };
                fields.push((name, ty, bits));
                if !self.eat(",") {
                    break;
                }
            }
            self.expect(";")?;
        }
        let packed = packed | self.attributes()?;
        let mut layout = RecordLayout::new(is_union, packed);
        let mut members = Vec::new();
        for (name, ty, bits) in fields {
            let Some(shape) = self.shape(ty) else {
                return self.error(format!("the type of `{name}` has no size"));
            };
            let width = match bits {
                Some(n) if n < 0 || n > i64::from(shape.0) * 8 => {
                    return self.error(format!("`{name}` can't have {n} bits"));
                }
                bits => bits.map(|n| n as u32),
            };
            let bit_offset = layout.place(shape, width);
            // A bit-field without a name only moves the next one.
            if !(name.is_empty() && width.is_some()) {
                let bits = width.unwrap_or(0) as u8;
                members.push(NewMember { name, ty, bit_offset, bits });
            }
        }
        let size = layout.total();
        self.out.define(id, NewType::Record { name, is_union, size, members: &members });
        self.shapes.insert(id, (size, layout.align));
        Ok(())
    }

    /// `__attribute__((packed))`: true if that is there.
    fn attributes(&mut self) -> Parsed<bool> {
        if !self.eat_word("__attribute__") {
            return Ok(self.eat_word("__packed"));
        }
        self.expect("(")?;
        self.expect("(")?;
        if !self.eat_word("packed") {
            return self.error("`packed` is the only attribute known");
        }
        self.expect(")")?;
        self.expect(")")?;
        Ok(true)
    }

    // ------------------------------------------------------- declarations

    fn declarator(&mut self) -> Parsed<(&'a str, Vec<Modifier<'a>>)> {
        let mut front = Vec::new();
        while self.eat("*") {
            front.push(Modifier::Pointer);
            while let Some(q) = self.qualifier() {
                front.push(q);
            }
        }
        // `(*name)(…)` or `(name)(…)`, not a list of parameters.
        let ahead = |n: usize| self.tokens.get(self.at + n).map(|t| t.0);
        let inner = ahead(1) == Some(Token::Punct("*"))
            || matches!(ahead(1), Some(Token::Word(_)))
                && ahead(2) == Some(Token::Punct(")"))
                && ahead(3) == Some(Token::Punct("("));
        let (name, mut modifiers) = if inner && self.eat("(") {
            let inner = self.declarator()?;
            self.expect(")")?;
            inner
        } else {
            (self.word().unwrap_or(""), Vec::new())
        };
        loop {
            if self.eat("[") {
                let open = self.peek() == Some(Token::Punct("]"));
                let len = if open { 0 } else { self.constant()? };
                self.expect("]")?;
                modifiers.push(Modifier::Array(len.clamp(0, i64::from(u32::MAX)) as u32));
            } else if self.eat("(") {
                modifiers.push(Modifier::Function(self.params()?));
            } else {
                break;
            }
        }
        modifiers.extend(front.into_iter().rev());
        Ok((name, modifiers))
    }

    fn params(&mut self) -> Parsed<Vec<(&'a str, u32)>> {
        let mut params = Vec::new();
        if self.peek() == Some(Token::Word("void"))
            && self.tokens.get(self.at + 1).map(|t| t.0) == Some(Token::Punct(")"))
        {
            self.at += 1;
        }
        while !self.eat(")") {
            if self.eat("...") {
                params.push(("", 0));
            } else {
                let ty = self.specifiers()?;
                let (name, modifiers) = self.declarator()?;
                let ty = modifiers.into_iter().rev().fold(ty, |ty, m| self.apply(ty, m));
                params.push((name, ty));
            }
            if !self.eat(",") && self.peek() != Some(Token::Punct(")")) {
                return self.error("`,` or `)` expected");
            }
        }
        Ok(params)
    }

    fn declaration(&mut self) -> Parsed<()> {
        let is_typedef = self.eat_word("typedef");
        let linkage = match self.peek() {
            Some(Token::Word("static")) => Linkage::Static,
            Some(Token::Word("extern")) => Linkage::Extern,
            _ => Linkage::Global,
        };
        self.at += usize::from(linkage != Linkage::Global);
        let front = self.specifiers()?;
        if self.eat(";") {
            return Ok(());
        }
        loop {
            let (name, modifiers) = self.declarator()?;
            let is_function = matches!(modifiers.first(), Some(Modifier::Function(_)));
            let ty = modifiers.into_iter().rev().fold(front, |ty, m| self.apply(ty, m));
            if name.is_empty() {
                return self.error("a name expected");
            }
            if is_typedef {
                let id = self.out.add(NewType::Typedef { name, to: ty });
                self.aliases.insert(id, ty);
                self.typedefs.insert(name, id);
            } else if is_function {
                self.out.add(NewType::Function { name, proto: ty, linkage });
            } else {
                self.out.add(NewType::Var { name, ty, linkage });
            }
            if !self.eat(",") {
                break;
            }
        }
        self.expect(";")
    }
}

/// The words of C's arithmetic types, `bool` as the kernel spells it.
fn arithmetic(word: &str) -> Option<&'static str> {
    const WORDS: &[&str] = &[
        "unsigned", "signed", "long", "short", "char", "int", "_Bool", "void", "float", "double",
        "__int128",
    ];
    WORDS.iter().find(|w| **w == word).copied()
}
