//! Layouts against what gcc gives for the same declarations on x86_64.

use super::{declare, declare_on};
use crate::btf::{Btf, BtfKind, BtfType};
use std::sync::Arc;

fn btf(text: &str) -> Btf {
    let bytes = declare(text).unwrap_or_else(|e| panic!("{e}"));
    Btf::parse(bytes, None).unwrap_or_else(|e| panic!("{e}"))
}

fn record(btf: &Btf, name: &str) -> (u32, Vec<(String, u32, u8)>) {
    let id = btf.find(name, |k| matches!(k, BtfKind::Struct | BtfKind::Union)).expect(name);
    let members = btf.members(id);
    let members = members.iter().map(|m| (m.name.to_owned(), m.bit_offset, m.bits)).collect();
    (btf.size(id).expect("a size"), members)
}

fn offsets(btf: &Btf, name: &str) -> (u32, Vec<u32>) {
    let (size, members) = record(btf, name);
    (size, members.iter().map(|m| m.1 / 8).collect())
}

#[test]
fn members_are_aligned() {
    let b = btf("
        struct a { char c; int i; short s; long l; char last; };
        struct b { struct a a; char c[3]; short s[2]; };
        struct packed_one { char c; long l; int i; } __attribute__((packed));
        union u { char c[5]; int i; };
        struct anonymous { int a; union { long b; char c; }; struct { short d, e; } f; };
        struct flexible { int n; long data[]; };
    ");
    assert_eq!(offsets(&b, "a"), (32, vec![0, 4, 8, 16, 24]));
    assert_eq!(offsets(&b, "b"), (40, vec![0, 32, 36]));
    assert_eq!(offsets(&b, "packed_one"), (13, vec![0, 1, 9]));
    assert_eq!(offsets(&b, "u"), (8, vec![0, 0]));
    assert_eq!(offsets(&b, "anonymous"), (24, vec![0, 8, 16]));
    assert_eq!(offsets(&b, "flexible"), (8, vec![0, 8]));
}

#[test]
fn bit_fields_share_units() {
    let b = btf("
        struct bits {
            unsigned int a:1;
            unsigned int b:3, c:28;
            unsigned int d:1;
            unsigned char e:4;
            unsigned long f:40;
            int :0;
            int g:2;
        };
    ");
    let (size, members) = record(&b, "bits");
    let places: Vec<_> = members.iter().map(|m| (m.0.as_str(), m.1, m.2)).collect();
    assert_eq!(
        places,
        [
            ("a", 0, 1),
            ("b", 1, 3),
            ("c", 4, 28),
            ("d", 32, 1),
            ("e", 33, 4),
            ("f", 64, 40),
            ("g", 128, 2)
        ]
    );
    assert_eq!(size, 24);
}

#[test]
fn enums_have_values() {
    let b = btf("
        enum plain { A, B = 5, C };
        enum { UNNAMED = 1 << 4, MORE = UNNAMED | 1 };
        enum negative { N = -1, P = 0x7fffffff };
        enum wide { W = 0x100000000 };
    ");
    let find = |name| b.find(name, |k| matches!(k, BtfKind::Enum | BtfKind::Enum64)).expect(name);
    assert_eq!(b.enumerators(find("plain")), [("A", 0), ("B", 5), ("C", 6)]);
    assert_eq!(b.enumerators(find("negative")), [("N", -1), ("P", 0x7fff_ffff)]);
    assert_eq!(b.enumerators(find("wide")), [("W", 1 << 32)]);
    let unnamed = b.own(|k| k == BtfKind::Enum).find(|(_, n)| n.is_empty()).expect("unnamed").0;
    assert_eq!(b.enumerators(unnamed), [("UNNAMED", 16), ("MORE", 17)]);
}

#[test]
fn records_may_refer_to_each_other() {
    let b = btf("
        typedef struct later later_t;
        struct list { struct list *next; struct never *opaque; later_t *l; };
        struct later { int x; };
        struct holder { later_t l; const later_t m; };
    ");
    assert_eq!(offsets(&b, "holder"), (8, vec![0, 4]));
    let list = b.find("list", |k| k == BtfKind::Struct).expect("list");
    let next = b.members(list)[0].ty;
    assert_eq!(b.ty(next), BtfType::Pointer(list));
    assert!(b.find("never", |k| k == BtfKind::Forward).is_some());
}

#[test]
fn functions_variables_and_tags() {
    let b = btf("
        typedef long ssize_t;
        struct file;
        ssize_t vfs_read(struct file *file, char __user *buf, unsigned long count, ...);
        typedef void (*handler_t)(int, void *(*)(const char *name));
        extern int *table[4];
    ");
    let f = b.find("vfs_read", |k| k == BtfKind::Function).expect("vfs_read");
    let BtfType::Function { proto, .. } = b.ty(f) else { panic!("{:?}", b.ty(f)) };
    let params = b.params(proto);
    assert_eq!(params.iter().map(|p| p.0).collect::<Vec<_>>(), ["file", "buf", "count", ""]);
    let BtfType::Pointer(to) = b.ty(params[1].1) else { panic!("{:?}", b.ty(params[1].1)) };
    assert!(
        matches!(b.ty(to), BtfType::Qualifier { kind: BtfKind::TypeTag, name: "user", .. }),
        "{:?}",
        b.ty(to)
    );
    let var = b.find("table", |k| k == BtfKind::Var).expect("table");
    let BtfType::Var { ty, .. } = b.ty(var) else { panic!("{:?}", b.ty(var)) };
    assert!(matches!(b.ty(ty), BtfType::Array { len: 4, .. }));
}

#[test]
fn modules_build_on_the_kernel() {
    let base = Arc::new(btf("typedef unsigned long u64; struct inode { u64 i_ino; char c; };"));
    let text = "struct own { char c; struct inode vfs; u64 n; struct own *next; };";
    let bytes = declare_on(text, &base).unwrap_or_else(|e| panic!("{e}"));
    let b = Btf::parse(bytes, Some(base)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(offsets(&b, "own"), (40, vec![0, 8, 24, 32]));
}

#[test]
fn errors_name_the_line() {
    for (text, expected) in [
        ("struct a {\n unknown x;\n};", "line 2: `unknown` is no type"),
        ("struct a { struct b b; };", "line 1: the type of `b` has no size"),
        ("struct a { int x:33; };", "line 1: `x` can't have 33 bits"),
        ("int", "line 1: a name expected"),
        ("enum e { A = };", "line 1: a constant expected"),
        ("int x = 3;", "line 1: `;` expected"),
        ("int a[12x];", "line 1: `12x` is no number"),
    ] {
        let error = declare(text).expect_err(text);
        assert_eq!(error.to_string(), expected, "{text}");
    }
}
