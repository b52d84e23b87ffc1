//! Types as C spells them, for messages and listings.
//!
//! In: a [`TypeId`]. Out: its declaration without a name: `struct bio *`, `char [16]`.

use super::{Space, Type, TypeId, Types};
use crate::manifest::SymbolKind;

impl Types {
    /// The type as C would write it in a cast.
    pub fn text(&self, id: TypeId) -> String {
        self.declare(id, String::new())
    }

    /// `inner` is what the declarator has so far, from the name outwards.
    fn declare(&self, id: TypeId, inner: String) -> String {
        let with = |base: &str| match inner.as_str() {
            "" => base.to_owned(),
            inner => format!("{base} {inner}"),
        };
        match self.get(id) {
            Type::Void => with("void"),
            Type::Integer { name, .. } | Type::Float { name, .. } | Type::Typedef { name, .. } => {
                with(name)
            }
            Type::String => with("string"),
            Type::Pointer { to, space } => {
                let star = if *space == Space::User { "userland *" } else { "*" };
                let grouped = matches!(self.get(*to), Type::Array { .. } | Type::Function { .. });
                let inner = format!("{star}{inner}");
                self.declare(*to, if grouped { format!("({inner})") } else { inner })
            }
            Type::Array { element, len: 0 } => self.declare(*element, format!("{inner}[]")),
            Type::Array { element, len } => self.declare(*element, format!("{inner}[{len}]")),
            Type::Record(r) => {
                let record = self.record(*r);
                let keyword = if record.is_union { "union" } else { "struct" };
                with(&tagged(keyword, record.tag.as_deref()))
            }
            Type::Enum(e) => with(&tagged("enum", self.enumeration(*e).tag.as_deref())),
            Type::Function { ret, params, variadic } => {
                let mut all: Vec<String> = params.iter().map(|p| self.text(*p)).collect();
                if *variadic {
                    all.push("...".to_owned());
                }
                if all.is_empty() {
                    all.push("void".to_owned());
                }
                self.declare(*ret, format!("{inner}({})", all.join(", ")))
            }
            Type::Stack(_) => with("stack"),
            Type::UserStack(_) => with("ustack"),
            Type::Symbol(kind) => with(symbol_text(*kind, false)),
            Type::UserSymbol(kind) => with(symbol_text(*kind, true)),
        }
    }
}

fn tagged(keyword: &str, tag: Option<&str>) -> String {
    match tag {
        Some(tag) => format!("{keyword} {tag}"),
        None => format!("{keyword} (anonymous)"),
    }
}

fn symbol_text(kind: SymbolKind, user: bool) -> &'static str {
    match (kind, user) {
        (SymbolKind::Symbol, false) => "result of sym()",
        (SymbolKind::Function, false) => "result of func()",
        (SymbolKind::Module, false) => "result of mod()",
        (SymbolKind::Address, false) => "kernel address",
        (SymbolKind::Symbol, true) => "result of usym()",
        (SymbolKind::Function, true) => "result of ufunc()",
        (SymbolKind::Module, true) => "result of umod()",
        (SymbolKind::Address, true) => "result of uaddr()",
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{Space, Type, Types};

    #[test]
    fn declarators() {
        let mut t = Types::new(256);
        let int = t.intern(Type::Integer { name: "int".into(), bytes: 4, signed: true });
        let p = t.intern(Type::Pointer { to: int, space: Space::Kernel });
        let array = t.intern(Type::Array { element: p, len: 4 });
        let to_array = t.intern(Type::Pointer { to: array, space: Space::Kernel });
        let f = t.intern(Type::Function { ret: p, params: vec![int], variadic: true });
        let to_f = t.intern(Type::Pointer { to: f, space: Space::Kernel });
        let user = t.intern(Type::Pointer { to: int, space: Space::User });
        let all = [p, array, to_array, to_f, user].map(|id| t.text(id));
        assert_eq!(
            all,
            ["int *", "int *[4]", "int *(*)[4]", "int *(*)(int, ...)", "int userland *"]
        );
    }
}
