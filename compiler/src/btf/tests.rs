//! BTF as it is written, read, found and printed; and as it is when damaged.

use super::declare::{declare, declare_on};
use super::excerpt::{Roots, excerpt, roots};
use super::print::{declaration, definition, type_name};
use super::write::{BtfBuilder, IntEncoding, Linkage, NewMember, NewType};
use super::{Btf, BtfError, BtfKind, BtfType};
use crate::fixture::{KERNEL, MODULE};
use proptest::prelude::*;
use std::sync::Arc;

fn parse(text: &str) -> Btf {
    let bytes = declare(text).unwrap_or_else(|e| panic!("{e}"));
    Btf::parse(bytes, None).unwrap_or_else(|e| panic!("{e}"))
}

/// One of every kind.
fn all_kinds() -> (Vec<u8>, u32) {
    let mut b = BtfBuilder::new();
    let int = b.int();
    let bool_id = b.add(NewType::Int { name: "_Bool", size: 1, encoding: IntEncoding::Bool });
    b.add(NewType::Float { name: "double", size: 8 });
    let pointer = b.add(NewType::Pointer(int));
    let array = b.add(NewType::Array { element: pointer, len: 7 });
    let forward = b.add(NewType::Forward { name: "later", is_union: true });
    let record = b.reserve();
    let own = b.add(NewType::Pointer(record));
    let member = |name, ty, bit_offset, bits| NewMember { name, ty, bit_offset, bits };
    let members = [
        member("next", own, 0, 0),
        member("low", int, 64, 3),
        member("high", int, 67, 29),
        member("flag", bool_id, 96, 0),
        member("table", array, 128, 0),
    ];
    b.define(record, NewType::Record { name: "all", is_union: false, size: 72, members: &members });
    let items = [("A", -1), ("B", 7)];
    b.add(NewType::Enum { name: "small", size: 4, signed: true, items: &items });
    let items = [("C", 1 << 40)];
    b.add(NewType::Enum { name: "large", size: 8, signed: false, items: &items });
    b.add(NewType::Typedef { name: "later_t", to: forward });
    let kinds = [
        (BtfKind::Const, ""),
        (BtfKind::Volatile, ""),
        (BtfKind::Restrict, ""),
        (BtfKind::TypeTag, "user"),
    ];
    for (kind, name) in kinds {
        b.add(NewType::Qualifier { kind, name, to: int });
    }
    let proto = b.add(NewType::FunctionProto { ret: own, params: &[("x", int), ("", 0)] });
    b.add(NewType::Function { name: "f", proto, linkage: Linkage::Static });
    let var = b.add(NewType::Var { name: "v", ty: record, linkage: Linkage::Global });
    b.add(NewType::DataSection { name: ".bss", size: 72, vars: &[(var, 0, 72)] });
    (b.finish(), record)
}

#[test]
fn what_is_written_is_read() {
    let (bytes, record) = all_kinds();
    let btf = Btf::parse(bytes, None).unwrap_or_else(|e| panic!("{e}"));
    insta::assert_snapshot!(definition(&btf, record), @r"
    struct all {  // 72 bytes
        struct all *next;  // 0
        int low:3;  // 8.0
        int high:29;  // 8.3
        _Bool flag;  // 12
        int *table[7];  // 16
    };
    ");
    let find = |name| btf.find(name, |_| true).expect(name);
    assert_eq!(btf.enumerators(find("small")), [("A", -1), ("B", 7)]);
    assert_eq!(btf.enumerators(find("large")), [("C", 1 << 40)]);
    assert_eq!(btf.kind(find("large")), BtfKind::Enum64);
    assert!(matches!(btf.ty(find("later")), BtfType::Forward { is_union: true, .. }));
    assert_eq!(definition(&btf, find("later_t")), "typedef union later later_t;");
    assert_eq!(definition(&btf, find("f")), "struct all *f(int x, ...);");
    assert_eq!(definition(&btf, find("v")), "struct all v;");
    assert_eq!(btf.size(find("double")), Some(8));
}

/// aya reads what we write.
#[test]
fn aya_reads_it() {
    use aya_obj::btf as aya;
    let (bytes, record) = all_kinds();
    let theirs = aya::Btf::parse(&bytes, Default::default()).unwrap_or_else(|e| panic!("{e}"));
    for (name, kind) in [
        ("all", aya::BtfKind::Struct),
        ("small", aya::BtfKind::Enum),
        ("large", aya::BtfKind::Enum64),
        ("f", aya::BtfKind::Func),
        (".bss", aya::BtfKind::DataSec),
    ] {
        assert!(theirs.id_by_type_name_kind(name, kind).is_ok(), "{name}");
    }
    assert_eq!(theirs.id_by_type_name_kind("all", aya::BtfKind::Struct).ok(), Some(record));
    assert_eq!(theirs.to_bytes(), bytes);
}

#[test]
fn equal_types_are_one() {
    let mut b = BtfBuilder::new();
    let int = b.int();
    assert_eq!(b.int(), int);
    let a = b.add(NewType::Array { element: int, len: 3 });
    assert_eq!(b.add(NewType::Array { element: int, len: 3 }), a);
    assert_ne!(b.add(NewType::Array { element: int, len: 4 }), a);
    assert_eq!(b.string("x"), b.string("x"));
}

#[test]
fn names_of_types() {
    let btf = parse(
        "struct bio; struct page { int x; };
         typedef unsigned long size_t;
         int f(const char *a, char *const b, const char *const *c, struct bio **d,
               int (*e)(struct bio *bio, size_t), int g[3][4], int (*h)[5], void *i,
               const struct page __user *j, int (*k[2])(void), volatile size_t l);",
    );
    let f = btf.find("f", |k| k == BtfKind::Function).expect("f");
    let BtfType::Function { proto, .. } = btf.ty(f) else { panic!("{:?}", btf.ty(f)) };
    let params = btf.params(proto);
    let text = |of: &dyn Fn(&str, u32) -> String| {
        params.iter().map(|(n, t)| of(n, *t)).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(text(&|_, ty| type_name(&btf, ty)), @r"
    const char *
    char *const
    const char *const *
    struct bio **
    int (*)(struct bio *bio, size_t)
    int [3][4]
    int (*)[5]
    void *
    const struct page *
    int (*[2])(void)
    volatile size_t
    ");
    insta::assert_snapshot!(text(&|name, ty| declaration(&btf, ty, name)), @r"
    const char *a
    char *const b
    const char *const *c
    struct bio **d
    int (*e)(struct bio *bio, size_t)
    int g[3][4]
    int (*h)[5]
    void *i
    const struct page *j
    int (*k[2])(void)
    volatile size_t l
    ");
}

#[test]
fn definitions_show_offsets() {
    let btf = parse(KERNEL);
    let text =
        |name: &str| definition(&btf, btf.find(name, |k| k != BtfKind::Forward).expect(name));
    insta::assert_snapshot!(text("dentry"), @r"
    struct dentry {  // 104 bytes
        unsigned int d_flags;  // 0
        struct dentry *d_parent;  // 8
        struct qstr d_name;  // 16
        struct inode *d_inode;  // 32
        struct super_block *d_sb;  // 40
        union {  // 16 bytes
            struct list_head d_lru;  // 48
            void *d_wait;  // 48
        };
        unsigned char d_iname[40];  // 64
    };
    ");
    insta::assert_snapshot!(text("qstr"), @r"
    struct qstr {  // 16 bytes
        union {  // 8 bytes
            struct {  // 8 bytes
                u32 hash;  // 0
                u32 len;  // 4
            };
            u64 hash_len;  // 0
        };
        const unsigned char *name;  // 8
    };
    ");
    insta::assert_snapshot!(text("atomic_t"), @r"
    typedef struct {  // 4 bytes
        int counter;  // 0
    } atomic_t;
    ");
    insta::assert_snapshot!(text("req_op"), @r"
    enum req_op {
        REQ_OP_READ = 0,
        REQ_OP_WRITE = 1,
        REQ_OP_FLUSH = 2,
        REQ_OP_DISCARD = 3,
    };
    ");
    insta::assert_snapshot!(text("btf_trace_block_bio_queue"), @"typedef void (*btf_trace_block_bio_queue)(void *, struct bio *bio);");
}

#[test]
fn searches_and_tables_agree() {
    // Enough types that names are searched for at first.
    let text: String = (0..9000).map(|i| format!("struct s{i} {{ int a; }};\n")).collect();
    let text = format!("typedef int s17; {text} struct empty; typedef struct s8999 last;");
    let names = ["s0", "s1", "s17", "s8999", "last", "int", "none", "s", "", "a", "empty"];
    let wanted: [fn(BtfKind) -> bool; 3] =
        [|_| true, |k| k == BtfKind::Struct, |k| k == BtfKind::Typedef];
    let searched = parse(&text);
    let tabled = parse(&text);
    for _ in 0..50 {
        tabled.find("int", |_| true);
    }
    for name in names.iter().take(8) {
        for wanted in wanted {
            assert_eq!(searched.find(name, wanted), tabled.find(name, wanted), "{name}");
        }
    }
    for name in names {
        let fresh = parse("struct empty; typedef int last;").find(name, |_| true).is_some();
        assert_eq!(fresh, ["int", "last", "empty"].contains(&name), "{name}");
    }
}

#[test]
fn split_btf_finds_its_own_first() {
    let base = Arc::new(parse(KERNEL));
    let bytes = declare_on(MODULE, &base).unwrap_or_else(|e| panic!("{e}"));
    let module = Btf::parse(bytes, Some(base.clone())).unwrap_or_else(|e| panic!("{e}"));
    let own = module.find("ext4_inode_info", |k| k == BtfKind::Struct).expect("its own");
    assert!(own >= module.first());
    let inode = module.find("inode", |k| k == BtfKind::Struct);
    assert!(inode.is_some() && inode == base.find("inode", |k| k == BtfKind::Struct));
    assert!(base.find("ext4_inode_info", |_| true).is_none());
    let member = module.members(own)[4];
    assert_eq!(declaration(&module, member.ty, member.name), "struct inode vfs_inode");
}

#[test]
fn damage_is_an_error() {
    let (bytes, _) = all_kinds();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        Btf::parse(bytes, None).err()
    };
    assert_eq!(damaged(&|b| b[0] = 0), Some(BtfError::Magic(0xeb00)));
    assert_eq!(damaged(&|b| b.truncate(9)), Some(BtfError::Damaged(8)));
    assert_eq!(damaged(&|b| b[24 + 7] = 31), Some(BtfError::UnknownKind(1, 31)));
    assert!(matches!(damaged(&|b| b.truncate(100)), Some(BtfError::Damaged(_))));
    assert!(matches!(damaged(&|b| b[20] = 255), Some(BtfError::Damaged(_))));
}

/// Asks everything of every type.
fn walk(btf: &Btf) {
    for id in 0..btf.end() + 2 {
        let _ = (btf.ty(id), btf.kind(id), btf.size(id), btf.resolve(id), btf.unqualified(id));
        let _ = (btf.members(id), btf.enumerators(id), btf.params(id));
        let _ = (type_name(btf, id), definition(btf, id));
        let name = btf.name(id);
        assert!(name.is_empty() || btf.find(name, |_| true).is_some(), "{name:?}");
    }
}

#[test]
fn circles_end() {
    let mut b = BtfBuilder::new();
    let (typedef, array, pointer, qualifier) = (b.reserve(), b.reserve(), b.reserve(), b.reserve());
    b.define(typedef, NewType::Typedef { name: "t", to: typedef });
    b.define(array, NewType::Array { element: array, len: 1 });
    b.define(pointer, NewType::Pointer(pointer));
    b.define(qualifier, NewType::Qualifier { kind: BtfKind::TypeTag, name: "", to: qualifier });
    let btf = Btf::parse(b.finish(), None).unwrap_or_else(|e| panic!("{e}"));
    walk(&btf);
    let mut b = BtfBuilder::new();
    let record = b.reserve();
    let member = NewMember { name: "", ty: record, bit_offset: 0, bits: 0 };
    let members = [member; 5];
    let ty = NewType::Record { name: "", is_union: true, size: 4, members: &members };
    b.define(record, ty);
    walk(&Btf::parse(b.finish(), None).unwrap_or_else(|e| panic!("{e}")));
    assert_eq!(btf.size(array), None);
    assert_eq!(btf.resolve(typedef), 0);
}

proptest! {
    #[test]
    fn damaged_bytes_never_panic(
        changes in prop::collection::vec((0usize..4096, any::<u8>()), 1..8),
        cut in prop::option::of(0usize..4096),
    ) {
        let (mut bytes, _) = all_kinds();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % bytes.len());
        }
        if let Ok(btf) = Btf::parse(bytes, None) {
            walk(&btf);
        }
    }
}

/// A relocation in `.BTF.ext`, of one section.
fn relocations(types: &[u32]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>();
    // Magic, version and flags, then: its length, functions, lines, relocations.
    let mut ext = words(&[0x1_eb9f, 32, 0, 0, 0, 0, 0, 12 + 16 * types.len() as u32]);
    ext.extend(words(&[16, 0, types.len() as u32]));
    types.iter().for_each(|ty| ext.extend(words(&[0, *ty, 0, 0])));
    ext
}

#[test]
fn an_excerpt_has_what_relocations_begin_at() {
    let kernel = parse(
        "enum state { IDLE, BUSY = 7 };
         struct inner { int a : 3; unsigned int b : 29; };
         struct other { long x; };
         typedef struct { struct inner in[2]; struct other *o; enum state s; } named_t;
         struct unrelated { int y; };",
    );
    let id = |name: &str| kernel.find(name, |_| true).expect(name);
    let ext = relocations(&[id("named_t"), id("state"), id("named_t")]);
    let begin = roots(&kernel, &ext).expect("it is whole");
    assert_eq!(begin.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["named_t", "state"]);
    let bytes = excerpt(&kernel, Vec::new, &begin).expect("all are there");
    let small = Btf::parse(bytes, None).unwrap_or_else(|e| panic!("{e}"));
    let shown = |name: &str| {
        let id = small.find(name, |_| true).expect(name);
        definition(&small, id)
    };
    insta::assert_snapshot!([shown("inner"), shown("named_t"), shown("state")].join("\n"), @r"
    struct inner {  // 4 bytes
        int a:3;  // 0.0
        unsigned int b:29;  // 0.3
    };
    typedef struct {  // 24 bytes
        struct inner in[2];  // 0
        void *o;  // 8
        enum state s;  // 16
    } named_t;
    enum state {
        IDLE = 0,
        BUSY = 7,
    };
    ");
    assert_eq!(small.find("unrelated", |_| true), None);
    assert_eq!(small.find("other", |_| true), None);
    let absent = Roots::from([("gone", BtfKind::Struct as u8)]);
    assert_eq!(excerpt(&kernel, Vec::new, &absent), None);
    // What only a module has is looked for there.
    let kernel = Arc::new(kernel);
    let bytes = declare_on("struct gone { struct inner i; named_t n; };", &kernel);
    let bytes = bytes.unwrap_or_else(|e| panic!("{e}"));
    let module = Btf::parse(bytes, Some(kernel.clone())).unwrap_or_else(|e| panic!("{e}"));
    let begin = Roots::from([("gone", BtfKind::Struct as u8), ("state", BtfKind::Enum as u8)]);
    let bytes = excerpt(&kernel, || vec![Arc::new(module)], &begin).expect("all are there");
    let small = Btf::parse(bytes, None).unwrap_or_else(|e| panic!("{e}"));
    let gone = small.find("gone", |_| true).expect("it is copied");
    insta::assert_snapshot!(definition(&small, gone), @r"
    struct gone {  // 32 bytes
        struct inner i;  // 0
        named_t n;  // 8
    };
    ");
}

#[test]
fn damaged_relocations_are_refused() {
    let kernel = parse("struct s { int a; };");
    let ext = relocations(&[1, 1]);
    for end in 32..ext.len() {
        assert_eq!(roots(&kernel, &ext[..end]), None);
    }
    assert_eq!(roots(&kernel, &ext).map(|r| r.len()), Some(1));
}
