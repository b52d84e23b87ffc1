//! D's rules for types: what is an integer, what may stand for what, which type an
//! operation has.
//!
//! In: types. Out: answers. D's promotion isn't C's: the wider operand's type wins, at
//! equal width the unsigned one, and there is no promotion to `int` first.

use super::{RecordId, Space, Type, TypeId, Types};

/// What something without a type is taken for.
const UNTYPED: &str = "uintptr_t";

impl Types {
    /// An integer that arithmetic can be done with, or an enum.
    pub fn is_integer(&self, id: TypeId) -> bool {
        match self.resolved(id) {
            Type::Integer { bytes, .. } => *bytes <= 8,
            Type::Enum(_) => true,
            _ => false,
        }
    }

    /// D's `string`.
    pub fn is_string(&self, id: TypeId) -> bool {
        matches!(self.resolved(id), Type::String)
    }

    /// `void`
    pub fn is_void(&self, id: TypeId) -> bool {
        matches!(self.resolved(id), Type::Void)
    }

    /// A character of any signedness.
    pub fn is_char(&self, id: TypeId) -> bool {
        match self.resolved(id) {
            Type::Integer { bytes: 1, name, .. } => name != "_Bool",
            _ => false,
        }
    }

    /// What a pointer points to.
    pub fn pointee(&self, id: TypeId) -> Option<TypeId> {
        match self.resolved(id) {
            Type::Pointer { to, .. } => Some(*to),
            _ => None,
        }
    }

    /// Whose memory a pointer points into; the kernel's for what is no pointer.
    pub fn space(&self, id: TypeId) -> Space {
        match self.resolved(id) {
            Type::Pointer { space, .. } => *space,
            _ => Space::Kernel,
        }
    }

    /// A pointer into user space.
    pub fn is_userland(&self, id: TypeId) -> bool {
        self.space(id) == Space::User
    }

    /// Element and length of an array.
    pub fn array(&self, id: TypeId) -> Option<(TypeId, u32)> {
        match self.resolved(id) {
            Type::Array { element, len } => Some((*element, *len)),
            _ => None,
        }
    }

    /// A struct or union.
    pub fn as_record(&self, id: TypeId) -> Option<RecordId> {
        match self.resolved(id) {
            Type::Record(r) => Some(*r),
            _ => None,
        }
    }

    /// `float` or `double`.
    pub fn is_float(&self, id: TypeId) -> bool {
        matches!(self.resolved(id), Type::Float { bytes: 4 | 8, .. })
    }

    /// Text in one of its forms: `string`, `char *`, `char [n]`.
    pub fn is_text(&self, id: TypeId) -> bool {
        match self.resolved(id) {
            Type::String => true,
            Type::Pointer { to, .. } => self.is_char(*to),
            Type::Array { element, .. } => self.is_char(*element),
            _ => false,
        }
    }

    /// A pointer whose arithmetic has no unit: to `void` or to a function.
    pub fn is_unsized_pointer(&self, id: TypeId) -> bool {
        self.pointee(id)
            .is_some_and(|to| matches!(self.resolved(to), Type::Void | Type::Function { .. }))
    }

    /// Whether two types are the same but for names: a record is the record of the same
    /// tag in another module.
    pub fn same(&self, a: TypeId, b: TypeId) -> bool {
        let (a, b) = (self.resolve(a), self.resolve(b));
        if a == b {
            return true;
        }
        match (self.get(a), self.get(b)) {
            (
                Type::Integer { bytes: x, signed: s, .. },
                Type::Integer { bytes: y, signed: t, .. },
            ) => x == y && s == t,
            (Type::Record(x), Type::Record(y)) => {
                let (x, y) = (self.record(*x), self.record(*y));
                x.tag.is_some() && x.tag == y.tag && x.is_union == y.is_union
            }
            (Type::Enum(x), Type::Enum(y)) => {
                let (x, y) = (self.enumeration(*x), self.enumeration(*y));
                x.tag.is_some() && x.tag == y.tag
            }
            (Type::Pointer { to: x, space: u }, Type::Pointer { to: y, space: v }) => {
                u == v && self.same(*x, *y)
            }
            (Type::Array { element: x, len: n }, Type::Array { element: y, len: m }) => {
                n == m && self.same(*x, *y)
            }
            (Type::Function { .. }, Type::Function { .. }) => true,
            _ => false,
        }
    }

    /// The type of what nothing is known about but its size: another `uintptr_t`.
    pub fn untyped(&mut self, uintptr: TypeId) -> TypeId {
        self.intern(Type::Typedef { name: UNTYPED.to_owned(), to: uintptr })
    }

    fn is_untyped(&self, id: TypeId) -> bool {
        let named = |id: TypeId| match self.get(id) {
            Type::Typedef { name, to } if name == UNTYPED => Some(*to),
            _ => None,
        };
        named(id).and_then(named).is_some()
    }

    /// Whether two pointers may be compared and assigned: to the same type, or one to void
    /// or to what has no known type.
    pub fn pointers_agree(&self, a: TypeId, b: TypeId) -> bool {
        let (Some(x), Some(y)) = (self.pointee(a), self.pointee(b)) else { return false };
        if self.is_userland(a) != self.is_userland(b) {
            return false;
        }
        let any = |id| self.is_void(id) || self.is_untyped(id);
        any(x) || any(y) || self.same(x, y) || self.is_char(x) && self.is_char(y)
    }

    /// The type of an arithmetic operation on two integers; `int` stands for enums.
    pub fn promote(&self, a: TypeId, b: TypeId, int: TypeId) -> TypeId {
        let plain = |id: TypeId| match self.resolved(id) {
            Type::Enum(_) => int,
            _ => id,
        };
        let (a, b) = (plain(a), plain(b));
        let rank = |id: TypeId| (self.size(id).unwrap_or(0), !self.is_signed(id));
        if rank(b) > rank(a) { b } else { a }
    }

    /// A value as this type holds it: cut to its width and extended again.
    pub fn wrap(&self, id: TypeId, value: i64) -> i64 {
        if matches!(self.resolved(id), Type::Integer { name, .. } if name == "_Bool") {
            return i64::from(value != 0);
        }
        match (self.size(id), self.is_signed(id)) {
            (Some(1), true) => i64::from(value as i8),
            (Some(1), false) => i64::from(value as u8),
            (Some(2), true) => i64::from(value as i16),
            (Some(2), false) => i64::from(value as u16),
            (Some(4), true) => i64::from(value as i32),
            (Some(4), false) => i64::from(value as u32),
            _ => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{Type, TypeId, Types};

    fn integer(t: &mut Types, name: &str, bytes: u8, signed: bool) -> TypeId {
        t.intern(Type::Integer { name: name.into(), bytes, signed })
    }

    #[test]
    fn promotion() {
        let mut t = Types::new(256);
        let int = integer(&mut t, "int", 4, true);
        let all = [
            integer(&mut t, "char", 1, true),
            integer(&mut t, "unsigned char", 1, false),
            integer(&mut t, "short", 2, true),
            int,
            integer(&mut t, "unsigned int", 4, false),
            integer(&mut t, "long", 8, true),
            integer(&mut t, "unsigned long", 8, false),
        ];
        let mut table = String::new();
        for a in all {
            let row: Vec<String> = all.iter().map(|b| t.text(t.promote(a, *b, int))).collect();
            table += &format!("{:14}| {}\n", t.text(a), row.join(", "));
        }
        insta::assert_snapshot!(table, @r"
        char          | char, unsigned char, short, int, unsigned int, long, unsigned long
        unsigned char | unsigned char, unsigned char, short, int, unsigned int, long, unsigned long
        short         | short, short, short, int, unsigned int, long, unsigned long
        int           | int, int, int, int, unsigned int, long, unsigned long
        unsigned int  | unsigned int, unsigned int, unsigned int, unsigned int, unsigned int, long, unsigned long
        long          | long, long, long, long, long, long, unsigned long
        unsigned long | unsigned long, unsigned long, unsigned long, unsigned long, unsigned long, unsigned long, unsigned long
        ");
    }

    #[test]
    fn wrapping() {
        let mut t = Types::new(256);
        let byte = integer(&mut t, "unsigned char", 1, false);
        let short = integer(&mut t, "short", 2, true);
        let boolean = integer(&mut t, "_Bool", 1, false);
        assert_eq!(t.wrap(byte, -1), 255);
        assert_eq!(t.wrap(short, 0x1_8000), -0x8000);
        assert_eq!(t.wrap(boolean, 256), 1);
    }
}
