//! Objects read back: by `object` as text, and by aya.

use super::{Object, ObjectError, Target, dump, write};
use crate::bpf::{self, Code};
use crate::btf::write::{BtfBuilder, NewMember, NewType};
use crate::btf::{Btf, BtfKind, BtfType};
use crate::fixture::FixtureKernel;
use crate::ir::build::Builder;
use crate::ir::{BinOp, Bits, Field, FieldId, FieldInfo, FunctionKind, Module, Type};
use crate::kernel::Kernel;
use crate::manifest::Manifest;
use std::sync::Arc;
use strand_grammar::source::{SourceKind, Sources};

const SCRIPT: &str = "\
sched_switch
{
    @[args[0]->pid] = count();
}
";

fn sources() -> Sources {
    let mut sources = Sources::new();
    sources.add("test.d", SCRIPT, SourceKind::Script);
    sources
}

fn ir(text: &str) -> Module {
    crate::ir::parse::parse(text).unwrap_or_else(|e| panic!("{e}"))
}

fn compile(module: &mut Module) -> Code {
    bpf::compile(module, &Default::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn object(text: &str) -> Result<Object, ObjectError> {
    object_of(ir(text), &FixtureKernel::new())
}

fn object_of(mut module: Module, kernel: &dyn Kernel) -> Result<Object, ObjectError> {
    let code = compile(&mut module);
    write(&module, &code, &Manifest::default(), kernel, &sources(), Target::AnyKernel)
}

fn shown(object: Result<Object, ObjectError>) -> String {
    let object = object.unwrap_or_else(|e| panic!("{e}"));
    dump(&object.elf).unwrap_or_else(|e| panic!("{e}"))
}

/// A field by names, as lowering would make it.
fn field(btf: &Btf, module: Option<&str>, root: &str, names: &[&str]) -> Field {
    let root_id = btf.resolve(btf.find(root, |k| k != BtfKind::Forward).expect(root));
    let mut field = Field {
        module: module.map(str::to_owned),
        root: root_id,
        path: Vec::new(),
        name: format!("{root}.{}", names.join(".")),
        offset: 0,
        size: btf.size(root_id).unwrap_or(0),
        signed: false,
        bits: None,
    };
    let mut id = root_id;
    for name in names {
        let index = match name.parse() {
            Ok(index) => index,
            Err(_) => {
                let named = |m: &crate::btf::BtfMember| m.name == *name;
                btf.members(id).iter().position(named).expect(name) as u32
            }
        };
        field.path.push(index);
        id = match btf.ty(id) {
            BtfType::Array { element, .. } => btf.resolve(element),
            _ => btf.resolve(btf.members(id)[index as usize].ty),
        };
        field.size = btf.size(id).expect("a size");
        field.signed = matches!(btf.ty(id), BtfType::Int { signed: true, .. });
    }
    field.offset = super::expected::value(btf, &field, FieldInfo::Offset).expect("fits") as u32;
    field
}

fn enumerator(btf: &Btf, root: &str, name: &str) -> Field {
    let id = btf.find(root, |k| k == BtfKind::Enum).expect(root);
    let items = btf.enumerators(id);
    let (index, item) = items.iter().enumerate().find(|(_, i)| i.0 == name).expect(name);
    let mut field = field(btf, None, root, &[]);
    (field.path, field.offset) = (vec![index as u32], item.1 as u32);
    field
}

const SMALL: &str = r#"
map seen hash entries 1024 flags 0x1
  key 16 align 8 { pid: u32 @0, dev: u64 @8 }
  value 40 align 8 { count: s64 @0, comm: str[16] @8, frames: words[2] @24 }
map records ringbuf entries 4096 flags 0x0
map drops percpu_array entries 1 flags 0x0
  key 4 align 4 { index: u32 @0 }
  value 16 align 8 { words: words[2] @0 }
rodata "hello\x00"
bss 32

program "tp_btf/sched_switch" @probe_0(%0: ptr) {
b0:
  %1 = map seen  ; 0:20-45
  %2 = const 0
  %3 = rodata 2
  %4 = load.u8 %3  ; 0:42-47
  %5 = call @double(%4)
  %6 = bss 24
  store.u64 %6, %5
  ret
}

program "tp_btf/sched_switch" @probe_1(%0: ptr) {
b0:
  %1 = const 3
  %2 = func @turn
  %3 = const 0
  %4 = helper loop(%1, %2, %3, %3)
  ret
}

sub @turn(%0: i64, %1: i64) {
b0:
  ret %0
}

sub @double(%0: i64) {
b0:
  %1 = add %0, %0
  ret %1
}
"#;

#[test]
fn a_small_object() {
    insta::assert_snapshot!(shown(object(SMALL)), @r"
    sections
      tp_btf/sched_switch: code 136 bytes
      .text: code 40 bytes
      .maps: data 88 bytes
      .rodata: constant 6 bytes
      .bss: zero 32 bytes
      license: data 4 bytes
      .strand.manifest: other
      .BTF: other
      .BTF.ext: other
    symbols
      local object strand_constants: .rodata+0, 6 bytes
      local function turn: .text+0, 16 bytes
      local function double: .text+16, 24 bytes
      global object seen: .maps+0, 40 bytes
      global object records: .maps+40, 16 bytes
      global object drops: .maps+56, 32 bytes
      global object strand_state: .bss+0, 4 bytes
      global object strand_wall_clock: .bss+8, 8 bytes
      global object strand_threads: .bss+16, 8 bytes
      global object strand_globals: .bss+24, 8 bytes
      global object _license: license+0, 4 bytes
      global function probe_0: tp_btf/sched_switch+0, 72 bytes
      global function probe_1: tp_btf/sched_switch+72, 64 bytes
    relocations
      tp_btf/sched_switch+0: R_BPF_64_64 strand_constants, addend 2
      tp_btf/sched_switch+24: R_BPF_64_32 .text, addend 1
      tp_btf/sched_switch+32: R_BPF_64_64 .bss, addend 24
      tp_btf/sched_switch+80: R_BPF_64_64 .text, addend 0
    types
      struct seen_key {  // 16 bytes
          unsigned int pid;  // 0
          unsigned long long dev;  // 8
      };
      struct seen_value {  // 40 bytes
          long long count;  // 0
          char comm[16];  // 8
          unsigned long long frames[2];  // 24
      };
      struct {  // 40 bytes
          int (*type)[1];  // 0
          struct seen_key *key;  // 8
          struct seen_value *value;  // 16
          int (*max_entries)[1024];  // 24
          int (*map_flags)[1];  // 32
      } seen;
      struct {  // 16 bytes
          int (*type)[27];  // 0
          int (*max_entries)[4096];  // 8
      } records;
      struct drops_value {  // 16 bytes
          unsigned long long words[2];  // 0
      };
      struct {  // 32 bytes
          int (*type)[6];  // 0
          unsigned int *key;  // 8
          struct drops_value *value;  // 16
          int (*max_entries)[1];  // 24
      } drops;
      int probe_0(unsigned long long *ctx);
      int probe_1(unsigned long long *ctx);
      long long turn(long long a, long long b);
      long long double(long long a);
      const unsigned char strand_constants[6];
      unsigned int strand_state;
      long long strand_wall_clock;
      unsigned long long strand_threads;
      unsigned char strand_globals[8];
      char _license[4];
    lines
      tp_btf/sched_switch+0: test.d:3:28: @[args[0]->pid] = count();
      tp_btf/sched_switch+72: :0:0: 
      .text+0: :0:0: 
      .text+16: :0:0: 
    CO-RE relocations
    ");
}

/// The kernel may lack them: the symbols are weak, and each is asked for before it is called.
#[test]
fn functions_of_the_kernel() {
    let text = r#"program "uprobe" @probe_0(%0: ptr) {
b0:
  %1: ptr = kfunc bpf_preempt_disable
  %2 = const 0
  br.ne %1, %2, b1, b2
b1:
  call_kfunc bpf_preempt_disable
  jump b2
b2:
  ret %2
}
"#;
    insta::assert_snapshot!(shown(object(text)), @"
    sections
      uprobe: code 48 bytes
      license: data 4 bytes
      .strand.manifest: other
      .BTF: other
      .BTF.ext: other
    symbols
      global object _license: license+0, 4 bytes
      global function probe_0: uprobe+0, 48 bytes
    relocations
      uprobe+0: R_BPF_64_64 bpf_preempt_disable, addend 0
      uprobe+24: R_BPF_64_32 bpf_preempt_disable, addend -1
    types
      int probe_0(unsigned long long *ctx);
      char _license[4];
      void bpf_preempt_disable(void);
    lines
      uprobe+0: :0:0: 
    CO-RE relocations
    ");
}

#[test]
fn aya_reads_it() {
    let object = object(SMALL).unwrap_or_else(|e| panic!("{e}"));
    let theirs = aya_obj::Object::parse(&object.elf).unwrap_or_else(|e| panic!("{e}"));
    let mut maps: Vec<_> = theirs.maps.keys().map(String::as_str).collect();
    maps.sort_unstable();
    assert_eq!(maps, [".bss", ".rodata", "drops", "records", "seen"]);
    let seen = &theirs.maps["seen"];
    assert_eq!((seen.key_size(), seen.value_size(), seen.max_entries()), (16, 40, 1024));
    assert_eq!((seen.map_type(), seen.map_flags()), (1, 1));
    assert_eq!(theirs.maps[".rodata"].data(), b"hello\0");
    assert!(theirs.btf.is_some() && theirs.btf_ext.is_some());
    let mut programs: Vec<_> = theirs.programs.keys().map(String::as_str).collect();
    programs.sort_unstable();
    assert_eq!(programs, ["probe_0", "probe_1"]);
}

/// A program that adds up facts about fields.
fn asking(facts: Vec<(Field, FieldInfo)>) -> Module {
    let kind = FunctionKind::Program { section: "raw_tp".into() };
    let mut b = Builder::new("ask", kind, &[Type::Ptr]);
    let mut sum = b.iconst(0);
    let mut module = Module::default();
    for (field, info) in facts {
        let known = module.fields.iter().position(|f| *f == field);
        let id = known.unwrap_or(module.fields.len());
        if known.is_none() {
            module.fields.push(field);
        }
        let fact = b.field_info(FieldId(id as u32), info);
        sum = b.binary(BinOp::Add, sum, fact);
    }
    b.ret(Some(sum));
    module.functions.push(b.finish());
    module
}

/// The part of an object's text from a heading on that is about kernel types.
fn kernel_types(text: &str) -> String {
    let (_, types) = text.split_once("_license[4];\n").expect("the license's variable");
    let (types, rest) = types.split_once("lines\n").expect("lines");
    let (_, relocations) = rest.split_once("CO-RE relocations\n").expect("relocations");
    format!("{types}{relocations}")
}

/// Paths through members of several records, arrays, unnamed unions, a typedef'd unnamed
/// struct, a module's type and a bit-field.
#[test]
fn kernel_types_are_copied_as_far_as_they_are_used() {
    use FieldInfo::*;
    let kernel = FixtureKernel::new();
    let btf = kernel.btf().expect("types");
    let ext4 = kernel.module_btf("ext4").expect("types");
    let of = |root, names: &[&str]| field(&btf, None, root, names);
    let module = asking(vec![
        (of("task_struct", &["pid"]), Offset),
        (of("task_struct", &["pid"]), Signed),
        (of("task_struct", &["comm", "3"]), Offset),
        (of("task_struct", &["se", "vruntime"]), Offset),
        (of("task_struct", &["nice_hint"]), Exists),
        (of("task_struct", &["mm"]), Size),
        (of("dentry", &["d_name", "0", "0", "len"]), Offset),
        (of("kuid_t", &["val"]), Offset),
        (of("bio", &["bi_inline_vecs", "2", "bv_len"]), Offset),
        (of("bio", &["bi_iter"]), Size),
        (of("bio", &[]), TypeSize),
        (of("sock_common", &["skc_v6_daddr", "in6_u", "u6_addr16", "7"]), Offset),
        (field(&ext4, Some("ext4"), "ext4_inode_info", &["vfs_inode", "i_ino"]), Offset),
        (field(&ext4, Some("ext4"), "inode", &["i_size"]), Offset),
        (enumerator(&btf, "req_op", "REQ_OP_FLUSH"), EnumValue),
        (enumerator(&btf, "req_op", "REQ_OP_READ"), Exists),
    ]);
    insta::assert_snapshot!(kernel_types(&shown(object_of(module, &kernel))), @r"
    struct sched_entity {  // 40 bytes
        long long unsigned int vruntime;  // 16
    };
    struct task_struct {  // 296 bytes
        struct sched_entity se;  // 48
        void *mm;  // 136
        int nice_hint:5;  // 157.0
        int pid;  // 168
        char comm[16];  // 256
    };
    struct qstr {  // 16 bytes
        union {  // 8 bytes
            struct {  // 8 bytes
                unsigned int len;  // 4
            };
        };
    };
    struct dentry {  // 104 bytes
        struct qstr d_name;  // 16
    };
    typedef struct {  // 4 bytes
        unsigned int val;  // 0
    } kuid_t;
    struct bvec_iter {  // 20 bytes
    };
    struct bio_vec {  // 16 bytes
        unsigned int bv_len;  // 8
    };
    struct bio {  // 88 bytes
        struct bvec_iter bi_iter;  // 32
        struct bio_vec bi_inline_vecs[0];  // 88
    };
    struct in6_addr {  // 16 bytes
        union {  // 16 bytes
            short unsigned int u6_addr16[8];  // 0
        } in6_u;
    };
    struct sock_common {  // 32 bytes
        struct in6_addr skc_v6_daddr;  // 16
    };
    struct inode {  // 120 bytes
        long unsigned int i_ino;  // 32
        long long int i_size;  // 48
    };
    struct ext4_inode_info {  // 208 bytes
        struct inode vfs_inode;  // 80
    };
    enum req_op {
        REQ_OP_READ = 0,
        REQ_OP_FLUSH = 2,
    };
    raw_tp+0: offset of task_struct.pid (0:3)
    raw_tp+16: signed of task_struct.pid (0:3)
    raw_tp+24: offset of task_struct.comm[3] (0:4:3)
    raw_tp+32: offset of task_struct.se.vruntime (0:0:0)
    raw_tp+40: exists of task_struct.nice_hint (0:2)
    raw_tp+48: size of task_struct.mm (0:1)
    raw_tp+56: offset of dentry.d_name.{...}.{...}.len (0:0:0:0:0)
    raw_tp+64: offset of kuid_t.val (0:0)
    raw_tp+72: offset of bio.bi_inline_vecs[2].bv_len (0:1:2:0)
    raw_tp+80: size of bio.bi_iter (0:0)
    raw_tp+88: type size of bio (0)
    raw_tp+96: offset of sock_common.skc_v6_daddr.in6_u.u6_addr16[7] (0:0:0:0:7)
    raw_tp+104: offset of ext4_inode_info.vfs_inode.i_ino (0:0:0)
    raw_tp+112: offset of inode.i_size (0:1)
    raw_tp+120: enumerator of req_op::REQ_OP_FLUSH (1)
    raw_tp+128: enumerator exists of req_op::REQ_OP_READ (0)
    ");
}

#[test]
fn bit_fields_say_how_to_shift() {
    use FieldInfo::*;
    let kernel = FixtureKernel::new();
    let btf = kernel.btf().expect("types");
    let mut hint = field(&btf, None, "task_struct", &["nice_hint"]);
    hint.bits = Some(Bits { offset: 8, size: 5 });
    hint.signed = true;
    let facts = [Offset, Size, Signed, LeftShift, RightShift];
    let module = asking(facts.map(|info| (hint.clone(), info)).to_vec());
    insta::assert_snapshot!(kernel_types(&shown(object_of(module, &kernel))), @r"
    struct task_struct {  // 296 bytes
        int nice_hint:5;  // 157.0
    };
    raw_tp+0: offset of task_struct.nice_hint (0:0)
    raw_tp+16: size of task_struct.nice_hint (0:0)
    raw_tp+24: signed of task_struct.nice_hint (0:0)
    raw_tp+32: left shift of task_struct.nice_hint (0:0)
    raw_tp+40: right shift of task_struct.nice_hint (0:0)
    ");
}

#[test]
fn unnamed_types_are_not_relocated() {
    let kernel = FixtureKernel::new();
    let btf = kernel.btf().expect("types");
    let request = btf.find("request", |k| k == BtfKind::Struct).expect("request");
    let members = btf.members(request);
    let elv = members.iter().find(|m| m.name == "elv").expect("elv");
    let unnamed = Field {
        module: None,
        root: elv.ty,
        path: vec![1],
        name: "request.elv.priv".into(),
        offset: 8,
        size: 16,
        signed: false,
        bits: None,
    };
    not_relocated(unnamed, &kernel);
}

fn not_relocated(field: Field, kernel: &dyn Kernel) {
    let object = object_of(asking(vec![(field.clone(), FieldInfo::Offset)]), kernel);
    assert_eq!(object.as_ref().map(|o| o.fixed.clone()).ok(), Some(vec![field.name]));
    assert_eq!(kernel_types(&shown(object)), "");
}

/// The loader would take the kernel's `path`, and can't choose between two of a name.
#[test]
fn names_that_mean_several_types_are_not_relocated() {
    let text = "struct path { char here[3]; int x; };";
    let kernel = FixtureKernel::new().with_module("other", text);
    let btf = kernel.module_btf("other").expect("types");
    not_relocated(field(&btf, Some("other"), "path", &["x"]), &kernel);

    let mut b = BtfBuilder::new();
    let int = b.int();
    for (size, bit_offset) in [(8, 0), (16, 64)] {
        let members = [NewMember { name: "x", ty: int, bit_offset, bits: 0 }];
        b.add(NewType::Record { name: "twice", is_union: false, size, members: &members });
    }
    let btf = Arc::new(Btf::parse(b.finish(), None).unwrap_or_else(|e| panic!("{e}")));
    let twice = field(&btf, None, "twice", &["x"]);
    not_relocated(twice, &FixtureKernel::bare(btf));
}

fn error(module: Module, kernel: &dyn Kernel) -> String {
    object_of(module, kernel).expect_err("an error").to_string()
}

#[test]
fn what_does_not_fit_is_an_error() {
    let kernel = FixtureKernel::new();
    let btf = kernel.btf().expect("types");
    let pid = field(&btf, None, "task_struct", &["pid"]);
    let ask = |change: &dyn Fn(&mut Field)| {
        let mut field = pid.clone();
        change(&mut field);
        asking(vec![(field, FieldInfo::Offset)])
    };
    let errors = [
        error(ask(&|f| f.path = vec![999]), &kernel),
        error(ask(&|f| f.path.push(0)), &kernel),
        error(ask(&|f| f.offset += 4), &kernel),
        error(ask(&|f| f.module = Some("zfs".into())), &kernel),
        error(ask(&|_| ()), &FixtureKernel::new().without_btf()),
        error(asking(vec![(pid.clone(), FieldInfo::EnumValue)]), &kernel),
        error(ir("map m hash entries 1 flags 0x0\n  key 4 align 4 { a: u64 @0 }\n"), &kernel),
        error(
            ir("map m hash entries 1 flags 0x0\n  key 16 align 8 { a: u64 @0, b: u32 @4 }\n"),
            &kernel,
        ),
        error(ir("map m array entries 1 flags 0x0\n  key 8 align 8 { a: u64 @0 }\n"), &kernel),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r"
    the path of `task_struct.pid` does not fit the type that it starts from
    the path of `task_struct.pid` does not fit the type that it starts from
    function `ask`, instruction 0: holds Some(172) where `task_struct.pid` is Some(168) (Offset)
    `task_struct.pid` can't be relocated: zfs has no BTF
    `task_struct.pid` can't be relocated: vmlinux has no BTF
    function `ask`, instruction 0: holds Some(168) where `task_struct.pid` is None (EnumValue)
    map `m`: `a` does not fit its layout
    map `m`: `b` does not fit its layout
    map `m`: `key` does not fit its layout
    ");
}
