//! Objects on the running kernel: libbpf loads them, they run, and what CO-RE wrote into
//! them is what this kernel's BTF says.
//!
//! Skipped, with the reason, without root or without `/sys/kernel/btf/vmlinux`.

use libbpf_rs::{MapCore, MapFlags, ObjectBuilder, ProgramInput};
use std::sync::Arc;
use strand_compiler::bpf::insn::Insn;
use strand_compiler::bpf::{Code, FunctionCode, Relocation, RelocationTarget};
use strand_compiler::btf::{Btf, BtfKind, BtfType};
use strand_compiler::fixture::FixtureKernel;
use strand_compiler::ir::{
    Bits, Field, FieldId, FieldInfo, FunctionId, FunctionKind, Helper, Layout, LayoutField,
    LayoutKind, Map, MapId, MapKind, Module,
};
use strand_compiler::kernel::Kernel;
use strand_compiler::manifest::Manifest;
use strand_compiler::object;
use strand_grammar::source::{SourceKind, Sources, Span};

/// This kernel's types; `None`, having said why, if the test can't run here.
fn kernel() -> Option<Arc<Btf>> {
    // SAFETY: geteuid has no preconditions and never fails.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("skipped: loading BPF needs root");
        return None;
    }
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
        eprintln!("skipped: this kernel has no BTF");
        return None;
    };
    match Btf::parse(bytes, None) {
        Ok(btf) => Some(Arc::new(btf)),
        Err(e) => panic!("the kernel's BTF can't be read: {e}"),
    }
}

/// A member, or one of an unnamed record in it: the indices that lead there, its offset
/// in bits, its type and its width.
fn member(btf: &Btf, id: u32, name: &str) -> Option<(Vec<u32>, u32, u32, u8)> {
    btf.members(id).iter().enumerate().find_map(|(i, m)| {
        if m.name == name {
            return Some((vec![i as u32], m.bit_offset, m.ty, m.bits));
        }
        let inside = if m.name.is_empty() { member(btf, m.ty, name) } else { None };
        let (path, at, ty, bits) = inside?;
        Some(([vec![i as u32], path].concat(), m.bit_offset + at, ty, bits))
    })
}

/// The field of a record by the names of its members; a number is an array's index.
fn field(btf: &Btf, root: &str, names: &[&str]) -> Option<Field> {
    let record = |k| matches!(k, BtfKind::Struct | BtfKind::Union | BtfKind::Typedef);
    let root_id = btf.resolve(btf.find(root, record)?);
    let (mut id, mut path, mut at, mut width) = (root_id, Vec::new(), 0, 0);
    for name in names {
        if let (Ok(index), BtfType::Array { element, .. }) = (name.parse::<u32>(), btf.ty(id)) {
            path.push(index);
            at += index * btf.size(element)? * 8;
            id = btf.resolve(element);
            continue;
        }
        let (steps, offset, ty, bits) = member(btf, id, name)?;
        path.extend(steps);
        (at, width) = (at + offset, bits);
        id = btf.resolve(ty);
    }
    let size = btf.size(id)?;
    let signed = matches!(btf.ty(id), BtfType::Int { signed: true, .. });
    let offset = if width > 0 { at / 8 / size * size } else { at / 8 };
    let bits = (width > 0).then(|| Bits { offset: (at - offset * 8) as u8, size: width });
    let name = format!("{root}.{}", names.join("."));
    Some(Field { module: None, root: root_id, path, name, offset, size, signed, bits })
}

/// The enumerator of an enum.
fn enumerator(btf: &Btf, root: &str, name: &str) -> Option<Field> {
    let id = btf.find(root, |k| k == BtfKind::Enum)?;
    let items = btf.enumerators(id);
    let (i, (_, value)) = items.iter().enumerate().find(|(_, item)| item.0 == name)?;
    Some(Field {
        module: None,
        root: id,
        path: vec![i as u32],
        name: format!("{root}.{name}"),
        offset: *value as u32,
        size: 4,
        signed: false,
        bits: None,
    })
}

fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
    Insn { code, dst, src, off, imm }
}
fn mov(dst: u8, imm: i32) -> Insn {
    insn(0xb7, dst, 0, 0, imm)
}
fn load64(dst: u8, src: u8, off: i16) -> Insn {
    insn(0x79, dst, src, off, 0)
}
fn load32(dst: u8, src: u8, off: i16) -> Insn {
    insn(0x61, dst, src, off, 0)
}
fn store64(dst: u8, off: i16, src: u8) -> Insn {
    insn(0x7b, dst, src, off, 0)
}
fn address(dst: u8) -> [Insn; 2] {
    [insn(0x18, dst, 0, 0, 0), Insn::default()]
}
fn call(helper: Helper) -> Insn {
    insn(0x85, 0, 0, 0, helper.0 as i32)
}
const CALL: Insn = Insn { code: 0x85, dst: 0, src: 1, off: 0, imm: -1 };
const EXIT: Insn = Insn { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 };

fn program(
    name: &str,
    section: &str,
    insns: Vec<Insn>,
    relocations: &[(u32, RelocationTarget)],
) -> FunctionCode {
    FunctionCode {
        name: name.into(),
        kind: FunctionKind::Program { section: section.into() },
        params: 1,
        insns,
        relocations: relocations.iter().map(|(i, t)| Relocation { insn: *i, target: *t }).collect(),
        spans: vec![(0, Span::default())],
        stack: 0,
    }
}

fn subprogram(f: FunctionCode, params: usize) -> FunctionCode {
    FunctionCode { kind: FunctionKind::Subprogram, params, ..f }
}

fn int(name: &str, offset: u32, bytes: u8) -> LayoutField {
    let kind = LayoutKind::Int { bytes, signed: false };
    LayoutField { name: name.into(), offset, kind }
}

/// One map of each kind in use.
fn maps() -> Vec<Map> {
    let u32_key = || Some(Layout { size: 4, align: 4, fields: vec![int("index", 0, 4)] });
    let pair = || {
        let mut fields = vec![int("count", 0, 8), int("sum", 8, 8)];
        fields.push(LayoutField { name: "name".into(), offset: 16, kind: LayoutKind::String(16) });
        Some(Layout { size: 32, align: 8, fields })
    };
    let words = |n| {
        let field = LayoutField { name: "words".into(), offset: 0, kind: LayoutKind::Words(n) };
        Some(Layout { size: 8 * n, align: 8, fields: vec![field] })
    };
    let map = |name: &str, kind, key, value, entries, flags| Map {
        name: name.into(),
        kind,
        key,
        value,
        entries,
        flags,
    };
    const NO_PREALLOC: u32 = 1;
    vec![
        map("hash", MapKind::Hash, pair(), pair(), 16, NO_PREALLOC),
        map("array", MapKind::Array, u32_key(), words(2), 4, 0),
        map("percpu_hash", MapKind::PercpuHash, pair(), words(2), 16, 0),
        map("percpu_array", MapKind::PercpuArray, u32_key(), words(3), 1, 0),
        map("lru", MapKind::LruHash, pair(), pair(), 16, 0),
        map("records", MapKind::Ringbuf, None, None, 4096, 0),
        map("tls", MapKind::TaskStorage, u32_key(), pair(), 0, NO_PREALLOC),
        map("queue", MapKind::Queue, None, words(1), 8, 0),
        map("stacks", MapKind::StackTrace, u32_key(), words(4), 8, 0),
    ]
}

fn write_object(module: &Module, functions: Vec<FunctionCode>, kernel: &dyn Kernel) -> Vec<u8> {
    let mut sources = Sources::new();
    sources.add("live.d", "BEGIN { x = 1; }\n", SourceKind::Script);
    let code = Code { functions };
    let object = object::write(
        module,
        &code,
        &Manifest::default(),
        kernel,
        &sources,
        object::Target::AnyKernel,
    );
    object.expect("an object").elf
}

fn load(elf: &[u8]) -> libbpf_rs::Object {
    let mut builder = ObjectBuilder::default();
    let open = builder.open_memory(elf).expect("libbpf opens it");
    open.load().expect("libbpf loads it")
}

/// Runs a raw tracepoint program once.
fn run(object: &libbpf_rs::Object, name: &str) -> u32 {
    let program = object.progs_mut().find(|p| p.name() == name).expect(name);
    let mut context = [0u8; 16];
    let input = ProgramInput { context_in: Some(&mut context), ..ProgramInput::default() };
    program.test_run(input).expect("it runs").return_value
}

#[test]
fn maps_load_with_their_btf() {
    let Some(_) = kernel() else { return };
    let kernel = FixtureKernel::new();
    let module = Module { maps: maps(), ..Module::default() };
    let mut insns = Vec::new();
    let mut relocations = Vec::new();
    for i in 0..module.maps.len() as u32 {
        relocations.push((insns.len() as u32, RelocationTarget::Map(MapId(i))));
        insns.extend(address(1));
    }
    insns.extend([mov(0, 0), EXIT]);
    let object =
        load(&write_object(&module, vec![program("p", "raw_tp", insns, &relocations)], &kernel));
    for map in object.maps() {
        let name = map.name().to_string_lossy().into_owned();
        let info = map.info().expect("map info").info;
        // libbpf passes no BTF for the kinds that take none.
        let none = ["records", "queue", "stacks"].contains(&name.as_str());
        assert_eq!(info.btf_value_type_id == 0, none, "{name}");
    }
}

#[test]
fn code_finds_data_and_subprograms() {
    let Some(_) = kernel() else { return };
    let kernel = FixtureKernel::new();
    let module = Module {
        rodata: [vec![0; 8], 0x1234_u64.to_le_bytes().to_vec()].concat(),
        bss: 24,
        ..Module::default()
    };
    let two = RelocationTarget::Call(FunctionId(1));
    let main = [
        address(1).to_vec(),
        vec![load32(1, 1, 0), mov(2, 5), CALL],
        address(1).to_vec(),
        vec![store64(1, 0, 0), EXIT],
    ];
    let relocations = [(0, RelocationTarget::Rodata(8)), (4, two), (5, RelocationTarget::Bss(16))];
    // The first lies at the start of the section, the second behind it.
    let one = vec![mov(0, 0), EXIT];
    let sum = vec![insn(0xbf, 0, 1, 0, 0), insn(0x0f, 0, 2, 0, 0), EXIT];
    // bpf_loop(3, one, 0, 0) gives the number of turns.
    let main2 = [
        vec![mov(1, 3)],
        address(2).to_vec(),
        vec![mov(3, 0), mov(4, 0), call(Helper::LOOP), EXIT],
    ];
    let functions = vec![
        subprogram(program("one", "", one, &[]), 2),
        subprogram(program("sum", "", sum, &[]), 2),
        program("main", "raw_tp", main.concat(), &relocations),
        program(
            "main2",
            "raw_tp",
            main2.concat(),
            &[(1, RelocationTarget::FunctionAddress(FunctionId(0)))],
        ),
    ];
    let object = load(&write_object(&module, functions, &kernel));
    assert_eq!(run(&object, "main"), 0x1239);
    assert_eq!(run(&object, "main2"), 3);
    let bss = object.maps().find(|m| m.name().to_string_lossy().ends_with(".bss")).expect(".bss");
    let value = bss.lookup(&0u32.to_ne_bytes(), MapFlags::ANY).expect("lookup").expect("value");
    assert_eq!(value[16..24], 0x1239_u64.to_ne_bytes());
}

/// Compiled against the fixture's types, whose offsets are all others.
#[test]
fn fields_are_relocated() {
    use FieldInfo::*;
    let Some(real) = kernel() else { return };
    let kernel = FixtureKernel::new();
    let types = kernel.btf().expect("types");
    let asked: &[(&str, &[&str], &[FieldInfo])] = &[
        ("task_struct", &["pid"], &[Offset, Size, Exists, Signed]),
        ("task_struct", &["comm"], &[Offset, Size]),
        ("task_struct", &["comm", "3"], &[Offset]),
        ("task_struct", &["se", "group_node", "next"], &[Offset]),
        ("task_struct", &["sched_reset_on_fork"], &[Offset, Size, LeftShift, RightShift]),
        ("task_struct", &["nice_hint"], &[Exists]),
        ("task_struct", &[], &[TypeExists, TypeSize]),
        ("bio", &["bi_iter"], &[Offset, Size]),
        ("bio", &["bi_iter", "bi_sector"], &[Offset, Signed]),
        ("bio", &["bi_opf"], &[Offset]),
        ("atomic_t", &["counter"], &[Offset, Size]),
        ("request", &["elv", "priv", "1"], &[Offset]),
        ("wb_writeback_work", &[], &[]),
        ("ext4_inode_info", &[], &[]),
    ];
    let mut fields = Vec::new();
    let mut programs = Vec::new();
    let mut expected = Vec::new();
    let mut ask = |here: Field, there: Option<Field>, info: FieldInfo| {
        let name = format!("p{}", programs.len());
        let at = RelocationTarget::Field(FieldId(fields.len() as u32), info);
        let insns = vec![mov(0, here.info(info) as i32), EXIT];
        programs.push(program(&name, "raw_tp", insns, &[(0, at)]));
        let value = there.map_or(0, |f| f.info(info));
        expected.push((name, format!("{} {info:?}", here.name), value));
        fields.push(here);
    };
    for (root, names, infos) in asked {
        for info in *infos {
            let here = field(&types, root, names).expect(root);
            ask(here, field(&real, root, names), *info);
        }
    }
    let write = enumerator(&types, "req_op", "REQ_OP_DISCARD").expect("an enumerator");
    ask(write, enumerator(&real, "req_op", "REQ_OP_DISCARD"), EnumValue);
    let gone = enumerator(&types, "mq_rq_state", "MQ_RQ_COMPLETE").expect("an enumerator");
    ask(gone, enumerator(&real, "mq_rq_state", "MQ_RQ_COMPLETE"), Exists);

    let module = Module { fields, ..Module::default() };
    let object = load(&write_object(&module, programs, &kernel));
    for (name, what, value) in expected {
        assert_eq!(i64::from(run(&object, &name)), value, "{what}");
    }
}

/// The loader finds types that only a module has.
#[test]
fn module_types_are_relocated() {
    let Some(real) = kernel() else { return };
    let Ok(bytes) = std::fs::read("/sys/kernel/btf/ext4") else {
        eprintln!("skipped: the module ext4 isn't loaded, or has no BTF");
        return;
    };
    let real = Btf::parse(bytes, Some(real)).unwrap_or_else(|e| panic!("ext4's BTF: {e}"));
    let kernel = FixtureKernel::new();
    let types = kernel.module_btf("ext4").expect("types");
    let names: &[&[&str]] = &[&["vfs_inode", "i_ino"], &["i_dtime"], &["i_data", "4"]];
    let mut module = Module::default();
    let mut programs = Vec::new();
    for (i, names) in names.iter().enumerate() {
        let here = field(&types, "ext4_inode_info", names).expect("a field");
        let at = RelocationTarget::Field(FieldId(i as u32), FieldInfo::Offset);
        let insns = vec![mov(0, here.offset as i32), EXIT];
        programs.push(program(&format!("p{i}"), "raw_tp", insns, &[(0, at)]));
        module.fields.push(Field { module: Some("ext4".into()), ..here });
    }
    let object = load(&write_object(&module, programs, &kernel));
    for (i, names) in names.iter().enumerate() {
        let there = field(&real, "ext4_inode_info", names).expect("a field");
        assert_eq!(run(&object, &format!("p{i}")), there.offset, "{names:?}");
    }
}

/// Plain loads from trusted pointers, and a BTF-typed tracepoint that fires.
#[test]
fn relocated_loads_read() {
    let Some(_) = kernel() else { return };
    let kernel = FixtureKernel::new();
    let types = kernel.btf().expect("types");
    let fields = vec![field(&types, "task_struct", &["pid"]).expect("a field")];
    let pid = fields[0].offset as i16;
    let module = Module { fields, bss: 32, ..Module::default() };
    let at = RelocationTarget::Field(FieldId(0), FieldInfo::Offset);
    let own_pid = vec![call(Helper::GET_CURRENT_TASK_BTF), load32(0, 0, pid), EXIT];
    let switch = [
        vec![load64(2, 1, 16), load32(2, 2, pid)],
        address(1).to_vec(),
        vec![store64(1, 0, 2), mov(0, 0), EXIT],
    ];
    let functions = vec![
        program("own_pid", "raw_tp", own_pid, &[(1, at)]),
        program(
            "switch",
            "tp_btf/sched_switch",
            switch.concat(),
            &[(1, at), (2, RelocationTarget::Bss(24))],
        ),
        program("sample", "perf_event", vec![mov(0, 0), EXIT], &[]),
    ];
    let object = load(&write_object(&module, functions, &kernel));
    // SAFETY: gettid has no preconditions.
    assert_eq!(run(&object, "own_pid"), unsafe { libc::gettid() } as u32);

    let switch = object.progs_mut().find(|p| p.name() == "switch").expect("switch");
    let link = switch.attach().expect("attached");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let bss = object.maps().find(|m| m.name().to_string_lossy().ends_with(".bss")).expect(".bss");
    let seen = || {
        let value = bss.lookup(&0u32.to_ne_bytes(), MapFlags::ANY).expect("lookup").expect("value");
        u64::from_ne_bytes(value[24..32].try_into().expect("eight bytes"))
    };
    // Often it is the idle thread's, which is 0.
    let mut pid = seen();
    while pid == 0 && std::time::Instant::now() < deadline {
        std::thread::sleep(std::time::Duration::from_millis(1));
        pid = seen();
    }
    drop(link);
    // A pid: small, and not the pointers or padding around it.
    assert!((1..1 << 22).contains(&pid), "{pid}");
}

/// From IR text to a map's contents.
#[test]
fn compiled_code_runs() {
    let Some(_) = kernel() else { return };
    let text = r#"
map seen hash entries 16 flags 0x0
  key 16 align 8 { comm: str[16] @0 }
  value 16 align 8 { count: s64 @0, last: u64 @8 }
rodata "abc\x00"
bss 32

program "raw_tp" @probe(%0: ptr) {
  $0 = slot 16 align 8 any
  $1 = slot 16 align 8 any
b0:
  %1 = slot $0
  %2 = const 16
  %3 = helper get_current_comm(%1, %2)
  %4 = map seen
  %5 = helper map_lookup_elem(%4, %1)
  %6 = const 0
  br.eq %5, %6, b1, b2
b1:
  %7 = slot $1
  %8 = const 1
  store.u64 %7, %8
  %9 = rodata 2
  %10 = load.u8 %9
  %11 = call @twice(%10)
  store.u64 %7 + 8, %11
  %12 = helper map_update_elem(%4, %1, %7, %6)
  ret %11
b2:
  %13 = const 1
  atomic_add.u64 %5, %13
  ret %6
}

sub @twice(%0: i64) {
b0:
  %1 = add %0, %0
  ret %1
}
"#;
    let mut module = strand_compiler::ir::parse::parse(text).unwrap_or_else(|e| panic!("{e}"));
    let code = strand_compiler::bpf::compile(&mut module, &Default::default())
        .unwrap_or_else(|e| panic!("{e}"));
    let kernel = FixtureKernel::new();
    let object = load(&write_object(&module, code.functions, &kernel));
    assert_eq!(run(&object, "probe"), 2 * u32::from(b'c'));
    assert_eq!(run(&object, "probe"), 0);
    let seen = object.maps().find(|m| m.name() == "seen").expect("the map");
    let key = seen.keys().next().expect("an element");
    let value = seen.lookup(&key, MapFlags::ANY).expect("lookup").expect("value");
    assert_eq!(value[..8], 2u64.to_ne_bytes());
    assert_eq!(value[8], 2 * b'c');
}
