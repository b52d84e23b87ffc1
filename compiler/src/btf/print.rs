//! BTF types as C text.
//!
//! In: a type of a [`Btf`]. Out: its name as a cast has it (`const char *`), the
//! declaration of something of that type (`char comm[16]`), or its definition with
//! offsets. Type tags (`__user`) are left out: neither C nor D has them.

use super::{Btf, BtfKind, BtfType};
use std::cell::Cell;
use std::fmt::Write;

/// Levels of types within types before a `…`, and types in all: damaged BTF may go round
/// in circles, several ways at each turn.
const DEPTH: usize = 32;
const TYPES: u32 = 20_000;

/// A BTF and how many more types may be printed.
struct Printer<'a> {
    btf: &'a Btf,
    left: Cell<u32>,
}

/// The name of a type: `struct bio *`, `const char *`, `int [4]`.
pub fn type_name(btf: &Btf, id: u32) -> String {
    declaration(btf, id, "")
}

/// The declaration of `name` with a type: `char comm[16]`, `void (*func)(int)`.
pub fn declaration(btf: &Btf, id: u32, name: &str) -> String {
    Printer::new(btf).declare(id, name.to_owned(), DEPTH)
}

/// Joins a type's name and what is declared: no space at the end, none after a `*`.
fn join(ty: &str, inner: &str) -> String {
    if inner.is_empty() { ty.to_owned() } else { format!("{ty} {inner}") }
}

fn skip_tags(btf: &Btf, mut id: u32) -> u32 {
    for _ in 0..DEPTH {
        match btf.ty(id) {
            BtfType::Qualifier { kind: BtfKind::TypeTag, to, .. } => id = to,
            _ => break,
        }
    }
    id
}

fn tagged(word: &str, name: &str) -> String {
    if name.is_empty() { format!("{word} {{...}}") } else { format!("{word} {name}") }
}

/// The definition of a type: a record with its members and their offsets, an enum with
/// its constants, a typedef, a function's prototype, a variable.
pub fn definition(btf: &Btf, id: u32) -> String {
    match btf.ty(id) {
        BtfType::Record { .. } | BtfType::Enum { .. } => {
            format!("{};", Printer::new(btf).body(id, 0, 0, DEPTH))
        }
        BtfType::Typedef { name, to } => match btf.ty(to) {
            BtfType::Record { name: "", .. } | BtfType::Enum { name: "", .. } => {
                format!("typedef {} {name};", Printer::new(btf).body(to, 0, 0, DEPTH))
            }
            _ => format!("typedef {};", declaration(btf, to, name)),
        },
        BtfType::Var { name, ty } => match btf.ty(ty) {
            BtfType::Record { name: "", .. } => {
                format!("{} {name};", Printer::new(btf).body(ty, 0, 0, DEPTH))
            }
            _ => format!("{};", declaration(btf, ty, name)),
        },
        _ => format!("{};", type_name(btf, id)),
    }
}

impl<'a> Printer<'a> {
    fn new(btf: &'a Btf) -> Self {
        Printer { btf, left: Cell::new(TYPES) }
    }

    /// One level further in, if that is allowed.
    fn enter(&self, depth: usize) -> Option<usize> {
        self.left.set(self.left.get().checked_sub(1)?);
        depth.checked_sub(1)
    }

    fn declare(&self, id: u32, inner: String, depth: usize) -> String {
        let btf = self.btf;
        let Some(depth) = self.enter(depth) else { return join("…", &inner) };
        match btf.ty(id) {
            BtfType::Void | BtfType::Other => join("void", &inner),
            BtfType::Int { name, .. }
            | BtfType::Float { name, .. }
            | BtfType::Typedef { name, .. } => join(name, &inner),
            BtfType::Pointer(to) => {
                let pointer = format!("*{inner}");
                let target = btf.ty(skip_tags(btf, to));
                let suffixed =
                    matches!(target, BtfType::Array { .. } | BtfType::FunctionProto { .. });
                let pointer = if suffixed { format!("({pointer})") } else { pointer };
                self.declare(to, pointer, depth)
            }
            BtfType::Array { element, len } => {
                // A name alone stands beside its brackets; so does what is in parentheses.
                let open = if inner.is_empty() { String::new() } else { inner };
                self.declare(element, format!("{open}[{len}]"), depth)
            }
            BtfType::Record { name, is_union, .. } | BtfType::Forward { name, is_union } => {
                join(&tagged(if is_union { "union" } else { "struct" }, name), &inner)
            }
            BtfType::Enum { name, .. } => join(&tagged("enum", name), &inner),
            BtfType::Qualifier { kind: BtfKind::TypeTag, to, .. } => self.declare(to, inner, depth),
            BtfType::Qualifier { kind, to, .. } => {
                let word = match kind {
                    BtfKind::Const => "const",
                    BtfKind::Volatile => "volatile",
                    _ => "restrict",
                };
                // Before the type's name, but behind the star of a pointer.
                match btf.ty(skip_tags(btf, to)) {
                    BtfType::Pointer(_) => {
                        let space = if inner.is_empty() { "" } else { " " };
                        self.declare(to, format!("{word}{space}{inner}"), depth)
                    }
                    _ => format!("{word} {}", self.declare(to, inner, depth)),
                }
            }
            BtfType::Function { name, proto } => {
                let name = if inner.is_empty() { name.to_owned() } else { inner };
                self.declare(proto, name, depth)
            }
            BtfType::FunctionProto { ret } => {
                let params = btf.params(id);
                let params: Vec<String> = params
                    .iter()
                    .map(|(name, ty)| match (*ty, *name) {
                        (0, "") => "...".to_owned(),
                        (ty, name) => self.declare(ty, name.to_owned(), depth),
                    })
                    .collect();
                let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
                self.declare(ret, format!("{inner}({params})"), depth)
            }
            BtfType::Var { name, ty } => {
                let name = if inner.is_empty() { name.to_owned() } else { inner };
                self.declare(ty, name, depth)
            }
        }
    }

    /// A record or enum with its contents in braces; `start` is its offset in bytes in what
    /// it is part of.
    fn body(&self, id: u32, start: u32, indent: usize, depth: usize) -> String {
        let btf = self.btf;
        let Some(depth) = self.enter(depth) else { return "…".to_owned() };
        let mut out = String::new();
        // Writing to a string can't fail.
        let mut line = |indent: usize, text: &str, note: &str| {
            let _ = write!(out, "{:indent$}{text}", "", indent = 4 * indent);
            let _ = writeln!(out, "{}{note}", if note.is_empty() { "" } else { "  // " });
        };
        match btf.ty(id) {
            BtfType::Record { name, is_union, size } => {
                let word = if is_union { "union" } else { "struct" };
                let name = if name.is_empty() { String::new() } else { format!(" {name}") };
                line(0, &format!("{word}{name} {{"), &format!("{size} bytes"));
                for m in btf.members(id) {
                    let offset = start.saturating_add(m.bit_offset / 8);
                    let unnamed = btf.name(m.ty).is_empty()
                        && matches!(btf.ty(m.ty), BtfType::Record { .. } | BtfType::Enum { .. });
                    if unnamed {
                        let inner = self.body(m.ty, offset, indent + 1, depth);
                        line(indent + 1, &format!("{};", join(&inner, m.name)), "");
                        continue;
                    }
                    let declared = self.declare(m.ty, m.name.to_owned(), depth);
                    match m.bits {
                        0 => line(indent + 1, &format!("{declared};"), &offset.to_string()),
                        n => {
                            let place = format!("{offset}.{}", m.bit_offset % 8);
                            line(indent + 1, &format!("{declared}:{n};"), &place);
                        }
                    }
                }
            }
            BtfType::Enum { name, .. } => {
                line(0, &format!("{} {{", tagged("enum", name).replace(" {...}", "")), "");
                for (name, value) in btf.enumerators(id) {
                    line(indent + 1, &format!("{name} = {value},"), "");
                }
            }
            _ => return type_name(btf, id),
        }
        let _ = write!(out, "{:indent$}}}", "", indent = 4 * indent);
        out
    }
}
