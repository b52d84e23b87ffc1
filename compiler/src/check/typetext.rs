//! Types given as text: those of built-ins and of probes' arguments.
//!
//! In: `struct bio *`, `const char *`, `uint64_t`. Out: a [`TypeId`]. Providers write
//! these by the hundred, so they are read here, without the lexer, and remembered.

use super::Checker;
use crate::types::{Space, Type, TypeId};

impl Checker<'_> {
    /// The type of this text; `None` if it names a type that this kernel doesn't have.
    pub fn type_text(&mut self, text: &str) -> Option<TypeId> {
        if let Some(known) = self.type_texts.get(text) {
            return *known;
        }
        let ty = self.read_type(text);
        self.type_texts.insert(text.to_owned(), ty);
        ty
    }

    fn read_type(&mut self, text: &str) -> Option<TypeId> {
        if let Some((ret, params)) = text.split_once("(*)") {
            return self.function_pointer(ret, params.trim());
        }
        let (text, array) = match text.trim().strip_suffix(']').and_then(|t| t.rsplit_once('[')) {
            Some((before, len)) => (before, Some(len.trim().parse::<u32>().ok()?)),
            None => (text, None),
        };
        let base_end = text.find('*').unwrap_or(text.len());
        let (base, pointers) = text.split_at(base_end);
        let mut userland = false;
        let mut words: Vec<&str> = Vec::new();
        for word in base.split_whitespace() {
            match word {
                "const" | "volatile" | "restrict" => {}
                "userland" | "__user" => userland = true,
                word => words.push(word),
            }
        }
        let mut ty = self.base_type(&words)?;
        for c in pointers.chars().filter(|c| *c == '*') {
            debug_assert_eq!(c, '*');
            let space = if userland { Space::User } else { Space::Kernel };
            ty = self.pointer_to(ty, space);
        }
        Some(match array {
            Some(len) => self.types.intern(Type::Array { element: ty, len }),
            None => ty,
        })
    }

    /// `void (*)(int)`, already split.
    fn function_pointer(&mut self, ret: &str, params: &str) -> Option<TypeId> {
        let ret = self.type_text(ret)?;
        let params = params.strip_prefix('(')?.strip_suffix(')')?;
        let params = match params.trim() {
            "" | "void" => Vec::new(),
            params => {
                params.split(',').map(|p| self.type_text(p)).collect::<Option<Vec<TypeId>>>()?
            }
        };
        let function = self.types.intern(Type::Function { ret, params, variadic: false });
        Some(self.pointer_to(function, Space::Kernel))
    }

    fn base_type(&mut self, words: &[&str]) -> Option<TypeId> {
        let scoped = |word: &str| word.rsplit_once('`').map(|(m, n)| (m.to_owned(), n.to_owned()));
        let of = |first: &str| match first {
            "struct" => Some("struct"),
            "union" => Some("union"),
            "enum" => Some("enum"),
            _ => None,
        };
        match words {
            ["void"] => Some(self.basic.void),
            ["string"] => Some(self.basic.string),
            [first, tag] => {
                let (module, first) = match scoped(first) {
                    Some((module, first)) => (Some(module), first),
                    None => (None, (*first).to_owned()),
                };
                match of(&first) {
                    Some(keyword) => match self.tagged_type(keyword, module.as_deref(), tag) {
                        Some(ty) => Some(ty),
                        None if keyword == "enum" || module.is_some() => None,
                        None => Some(self.declare_record(keyword == "union", tag)),
                    },
                    None => self.c_integer(words),
                }
            }
            [name] => match scoped(name) {
                Some((module, name)) => self.named_type(Some(&module), &name),
                None => match self.c_integer(words) {
                    Some(ty) => Some(ty),
                    None => self.named_type(None, name),
                },
            },
            _ => self.c_integer(words),
        }
    }

    /// `unsigned long`, `long long unsigned int` and all the other ways to write them.
    fn c_integer(&mut self, words: &[&str]) -> Option<TypeId> {
        let known = ["char", "short", "int", "long", "signed", "unsigned", "_Bool", "bool"];
        if words.is_empty() || !words.iter().all(|w| known.contains(w)) {
            return None;
        }
        let has = |w: &str| words.contains(&w);
        let longs = words.iter().filter(|w| **w == "long").count();
        let (name, bytes) = match () {
            () if has("_Bool") || has("bool") => {
                let boolean = Type::Integer { name: "_Bool".to_owned(), bytes: 1, signed: false };
                return Some(self.types.intern(boolean));
            }
            () if has("char") => ("char", 1),
            () if has("short") => ("short", 2),
            () if longs > 1 => ("long long", 8),
            () if longs == 1 => ("long", 8),
            () => ("int", 4),
        };
        let name = match (has("unsigned"), has("signed") && bytes == 1) {
            (true, _) => format!("unsigned {name}"),
            (false, true) => format!("signed {name}"),
            (false, false) => name.to_owned(),
        };
        Some(self.types.intern(Type::Integer { name, bytes, signed: !has("unsigned") }))
    }
}
