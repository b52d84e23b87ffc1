//! What is selected for small functions, as annotated listings.

use super::{Options, compile, disasm};
use crate::ir::parse::parse;
use strand_grammar::source::{SourceKind, Sources};

/// The listing of all functions of a module.
fn code(text: &str) -> String {
    let mut module = match parse(text) {
        Ok(module) => module,
        Err(e) => return e.to_string(),
    };
    match compile(&mut module, &Options::default()) {
        Ok(code) => code
            .functions
            .iter()
            .map(|f| disasm::listing(f, &module, None))
            .collect::<Vec<_>>()
            .join("\n"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn a_map_element_is_counted() {
    insta::assert_snapshot!(code(
        r#"
map seen hash entries 1024 flags 0x0
  key 16 align 8 { pid: u32 @0, dev: u64 @8 }
  value 8 align 8 { count: s64 @0 }
field:0 "bio.bi_iter.bi_sector" root 12 path [8, 0] offset 40 size 8

program "tp_btf/block_rq_issue" @probe_0(%0: ptr) {
  $0 = slot 16 align 8 any
b0:
  %1: ptr = load.u64 %0
  %2 = load.u64 %1 + field:0
  %3 = slot $0
  %9 = const 7
  store.u32 %3, %9
  store.u64 %3 + 8, %2
  %4 = map seen
  %5 = helper map_lookup_elem(%4, %3)
  %6 = const 0
  br.eq %5, %6, b2, b1(%2)
b1(%7: i64):
  atomic_add.u64 %5, %7
  jump b2
b2:
  ret
}"#
    ), @r#"
    probe_0:
       0: r2 = *(u64 *)(r1 +0)
       1: r6 = *(u64 *)(r2 +40)                ; offset of bio.bi_iter.bi_sector
       2: *(u32 *)(r10 -16) = 7
       3: *(u64 *)(r10 -8) = r6
       4: r1 = map[fd 0]                       ; map seen
       6: r2 = r10
       7: r2 += -16
       8: call bpf_map_lookup_elem
       9: if r0 == 0 goto pc+1
      10: lock *(u64 *)(r0 +0) += r6
      11: r0 = 0
      12: exit
    "#);
}

/// The listing of one program of this body, which takes `%0`, and gets these slots.
fn body(text: &str) -> String {
    code(&format!("bss 64\nprogram \"raw_tp\" @p(%0: ptr) {{\n{text}\n}}"))
}

#[test]
fn constants_go_into_immediates() {
    insta::assert_snapshot!(body(
        r#"
b0:
  %1 = load.u64 %0
  %2 = const 5
  %3 = sub %1, %2
  %4 = const 4294967295
  %5 = and %3, %4
  %6 = const 81985529216486895
  %7 = xor %5, %6
  %8 = const 67
  %9 = shl %7, %8
  %10 = mul %2, %9
  ret %10
"#
    ), @r#"
    p:
       0: r0 = *(u64 *)(r1 +0)
       1: r0 += -5
       2: w1 = -1
       3: r0 &= r1
       4: r1 = 0x123456789abcdef ll
       6: r0 ^= r1
       7: r0 <<= 3
       8: r0 *= 5
       9: exit
    "#);
}

#[test]
fn offsets_go_into_accesses() {
    insta::assert_snapshot!(body(
        r#"
  $0 = slot 32 align 8 any
b0:
  %1: ptr = load.u64 %0
  %2 = const 8
  %3 = add %1, %2
  %4 = add %3, %2
  %5 = load.u32 %4 + 4
  %6 = slot $0
  %7 = add %6, %2
  store.u32 %7 + 4, %5
  %8 = bss 16
  %9 = add %8, %2
  %10 = const 1
  atomic_add.u64 %9, %10
  %11 = const 40000
  %12 = add %1, %11
  %13 = load.u8 %12
  ret %13
"#
    ), @r#"
    p:
       0: r4 = *(u64 *)(r1 +0)
       1: r5 = *(u32 *)(r4 +20)
       2: *(u32 *)(r10 -20) = r5
       3: r0 = map_value[fd 24] + 0            ; bss + 24
       5: r1 = 1
       6: lock *(u64 *)(r0 +0) += r1
       7: r4 += 40000
       8: r0 = *(u8 *)(r4 +0)
       9: exit
    "#);
}

#[test]
fn pointers_stay_on_the_left() {
    insta::assert_snapshot!(body(
        r#"
b0:
  %1: ptr = load.u64 %0
  %2 = load.u64 %0 + 8
  %3 = add %2, %1
  %4 = load.u64 %3 + 8
  ret %4
"#
    ), @r#"
    p:
       0: r4 = *(u64 *)(r1 +0)
       1: r5 = *(u64 *)(r1 +8)
       2: r4 += r5
       3: r0 = *(u64 *)(r4 +8)
       4: exit
    "#);
}

#[test]
fn what_the_instruction_set_lacks_is_expanded() {
    insta::assert_snapshot!(body(
        r#"
b0:
  %1 = load.s16 %0
  %2 = load.u64 %0 + 8
  %3 = sdiv %1, %2
  %4 = const 8
  %5 = srem %3, %4
  %6 = bswap32 %5
  %7 = zext32 %6
  %8 = const 0
  %9 = udiv %7, %8
  %10 = or %9, %7
  ret %10
"#
    ), @r#"
    p:
       0: r0 = *(u16 *)(r1 +0)
       1: r0 <<= 48
       2: r0 s>>= 48
       3: r2 = *(u64 *)(r1 +8)
       4: r1 = r0
       5: r1 s>>= 63
       6: r0 ^= r1
       7: r0 -= r1
       8: r3 = r2
       9: r3 s>>= 63
      10: r2 ^= r3
      11: r2 -= r3
      12: r0 /= r2
      13: r1 ^= r3
      14: r0 ^= r1
      15: r0 -= r1
      16: r2 = r0
      17: r2 s>>= 63
      18: r2 >>= 61
      19: r1 = r0
      20: r1 += r2
      21: r1 &= -8
      22: r0 -= r1
      23: r0 = be32 r0
      24: w0 = w0
      25: r0 |= 0
      26: exit
    "#);
}

#[test]
fn comparisons_join_branches() {
    insta::assert_snapshot!(body(
        r#"
b0:
  %1 = load.u64 %0
  %2 = const 10
  %3 = cmp.ult %1, %2
  %4 = const 0
  br.eq %3, %4, b1, b2
b1:
  %5 = cmp.sgt %2, %1
  ret %5
b2:
  ret %1
"#
    ), @r#"
    p:
       0: r0 = *(u64 *)(r1 +0)
       1: if r0 < 10 goto pc+5
       2: r5 = 1
       3: if r0 s< 10 goto pc+1
       4: r5 = 0
       5: r0 = r5
       6: exit
       7: exit
    "#);
}

#[test]
fn atomics_that_give_something() {
    insta::assert_snapshot!(body(
        r#"
b0:
  %1 = bss 8
  %2 = const 1
  %3 = atomic_fetch_add.u64 %1, %2
  %4 = atomic_cmpxchg.u32 %1 + 8, %3, %2
  %5 = atomic_fetch_add.u64 %1, %4
  ret %4
"#
    ), @r#"
    p:
       0: r5 = map_value[fd 8] + 0             ; bss + 8
       2: r0 = 1
       3: r0 = atomic64_fetch_add((u64 *)(r5 +0), r0)
       4: r1 = map_value[fd 8] + 0             ; bss + 8
       6: r2 = 1
       7: r0 = atomic32_cmpxchg((u32 *)(r1 +8), r0, r2)
       8: r1 = map_value[fd 8] + 0             ; bss + 8
      10: lock *(u64 *)(r1 +0) += r0
      11: exit
    "#);
}

/// The index is compared in the very register that is spilled then: on old kernels the
/// bounds are known of no other copy.
#[test]
fn bounds_stay_with_the_value() {
    insta::assert_snapshot!(body(
        r#"
  $0 = slot 32 align 8 any
b0:
  %1 = load.u64 %0
  %2 = slot $0
  %3 = const 0
  store.u64 %2, %3
  %4 = const 8
  br.ult %1, %4, b1, b2
b1:
  %5 = helper ktime_get_ns()
  %6 = helper jiffies64()
  %7 = helper get_prandom_u32()
  %8 = helper get_smp_processor_id()
  jump b3(%3)
b2:
  ret %1
b3(%9: i64):
  %10 = add %5, %9
  %11 = helper send_signal(%10)
  %12 = xor %6, %11
  %13 = helper send_signal(%12)
  %14 = xor %7, %13
  %15 = helper send_signal(%14)
  %16 = xor %8, %15
  %17 = const 1
  %18 = add %9, %17
  br.ult %16, %4, b3(%18), b4
b4:
  %19 = add %2, %1
  %20 = load.u8 %19
  ret %20
"#
    ), @r#"
    p:
       0: r0 = *(u64 *)(r1 +0)
       1: *(u64 *)(r10 -32) = 0
       2: if r0 >= 8 goto pc+35
       3: *(u64 *)(r10 -48) = r0
       4: call bpf_ktime_get_ns
       5: r1 = r0
       6: *(u64 *)(r10 -40) = r1
       7: call bpf_jiffies64
       8: r6 = r0
       9: call bpf_get_prandom_u32
      10: r8 = r0
      11: call bpf_get_smp_processor_id
      12: r9 = r0
      13: r7 = 0
      14: r0 = *(u64 *)(r10 -40)
      15: goto pc+0
      16: r1 = r0
      17: r1 += r7
      18: *(u64 *)(r10 -40) = r0
      19: call bpf_send_signal
      20: r1 = r6
      21: r1 ^= r0
      22: call bpf_send_signal
      23: r1 = r8
      24: r1 ^= r0
      25: call bpf_send_signal
      26: r1 = r9
      27: r1 ^= r0
      28: r7 += 1
      29: if r1 >= 8 goto pc+2
      30: r0 = *(u64 *)(r10 -40)
      31: goto pc-16
      32: r1 = r10
      33: r1 += -32
      34: r0 = *(u64 *)(r10 -48)
      35: r1 += r0
      36: r0 = *(u8 *)(r1 +0)
      37: exit
      38: exit
    "#);
}

#[test]
fn fields_are_relocated() {
    insta::assert_snapshot!(code(
        r#"
field:0 "task_struct.flags" root 7 path [3] offset 44 size 4 bits 2+3
field:1 "big.last" root 8 path [1] offset 70000 size 8
field:2 "task_struct.gone" root 7 path [4] offset 48 size 4 signed
program "tp_btf/x" @p(%0: ptr) {
b0:
  %1: ptr = load.u64 %0
  %2 = load.u32 %1 + field:0
  %3 = info.lshift field:0
  %4 = shl %2, %3
  %5 = info.rshift field:0
  %6 = lshr %4, %5
  %7 = load.u64 %1 + field:1
  %8 = info.offset field:2
  %9 = add %1, %8
  %10 = info.exists field:2
  %11 = const 0
  br.eq %10, %11, b2, b1
b1:
  %12 = helper task_storage_delete(%9, %9)
  jump b2
b2:
  %13 = add %6, %7
  ret %13
}"#
    ), @r#"
    p:
       0: r2 = *(u64 *)(r1 +0)
       1: r0 = *(u32 *)(r2 +44)                ; offset of task_struct.flags
       2: r0 <<= 59                            ; lshift of task_struct.flags
       3: r0 >>= 61                            ; rshift of task_struct.flags
       4: r7 = r0
       5: r0 = r2
       6: r0 += 70000                          ; offset of big.last
       7: r6 = *(u64 *)(r0 +0)
       8: r2 += 48                             ; offset of task_struct.gone
       9: r0 = 1                               ; exists of task_struct.gone
      10: if r0 != 0 goto pc+2
      11: r0 = r7
      12: goto pc+3
      13: r1 = r2
      14: call bpf_task_storage_delete
      15: r0 = r7
      16: r0 += r6
      17: exit
    "#);
}

#[test]
fn subprograms_and_callbacks() {
    insta::assert_snapshot!(code(
        r#"
program "raw_tp" @p(%0: ptr) {
  $0 = slot 8 align 8 stack
b0:
  %1 = load.u64 %0
  %2 = call @add(%1, %1)
  %3 = slot $0
  store.u64 %3, %2
  %4 = func @add_to
  %5 = const 3
  %6 = const 0
  %7 = helper loop(%5, %4, %3, %6)
  ret %7
}
sub @add(%0: i64, %1: i64) {
b0:
  %2 = add %0, %1
  ret %2
}
sub @add_to(%0: i64, %1: ptr) {
b0:
  atomic_add.u64 %1, %0
  ret
}"#
    ), @r#"
    p:
       0: r2 = *(u64 *)(r1 +0)
       1: r1 = r2
       2: call pc-1                            ; add
       3: *(u64 *)(r10 -8) = r0
       4: r1 = 3
       5: r2 = func[pc+0]                      ; address of add_to
       7: r3 = r10
       8: r3 += -8
       9: r4 = 0
      10: call bpf_loop
      11: exit

    add:
       0: r0 = r1
       1: r0 += r2
       2: exit

    add_to:
       0: lock *(u64 *)(r2 +0) += r1
       1: r0 = 0
       2: exit
    "#);
}

#[test]
fn what_the_stack_cannot_hold_is_in_scratch_memory() {
    let text = r#"
program "raw_tp" @small(%0: ptr) {
b0:
  ret
}
program "raw_tp" @large(%0: ptr) {
  $0 = slot 400 align 8 any
  $1 = slot 16 align 8 scratch
  $2 = slot 16 align 8 any
b0:
  %1 = slot $0
  %2 = slot $1
  %3 = slot $2
  %4 = const 1
  store.u64 %1 + 8, %4
  store.u64 %2, %4
  store.u64 %3, %4
  %5 = helper send_signal(%1)
  %6 = helper send_signal(%2)
  %7 = helper send_signal(%3)
  ret
}"#;
    insta::assert_snapshot!(code(text), @r#"
    small:
       0: r0 = 0
       1: exit

    large:
       0: *(u32 *)(r10 -8) = 0
       1: r1 = map[fd 0]                       ; map scratch
       3: r2 = r10
       4: r2 += -8
       5: call bpf_map_lookup_elem
       6: if r0 == 0 goto pc+14
       7: r1 = r0
       8: r7 = r0
       9: r7 += 400
      10: *(u64 *)(r0 +8) = 1
      11: *(u64 *)(r0 +400) = 1
      12: *(u64 *)(r10 -16) = 1
      13: call bpf_send_signal
      14: r1 = r7
      15: call bpf_send_signal
      16: r1 = r10
      17: r1 += -16
      18: call bpf_send_signal
      19: r0 = 0
      20: exit
      21: r0 = 0
      22: exit
    "#);
    let mut module = parse(text).expect("valid text");
    compile(&mut module, &Options::default()).expect("valid IR");
    module.functions.clear();
    insta::assert_snapshot!(module.to_string(), @r#"
    map scratch percpu_array entries 1 flags 0x0
      key 4 align 4 { key: u32 @0 }
      value 416 align 8 { words: words[52] @0 }
    "#);
}

/// Two slots that are never in use together share their bytes, two in a loop don't.
#[test]
fn slots_share_the_stack() {
    insta::assert_snapshot!(body(
        r#"
  $0 = slot 16 align 8 any
  $1 = slot 16 align 8 any
  $2 = slot 8 align 8 any
b0:
  %1 = const 1
  %2 = slot $0
  store.u64 %2, %1
  %3 = load.u64 %2
  br.eq %3, %1, b1, b4
b1:
  %4 = slot $1
  store.u64 %4, %3
  jump b2
b2:
  %5 = slot $1
  %6 = load.u64 %5
  %7 = slot $2
  store.u64 %7, %6
  %8 = load.u64 %7
  br.eq %8, %1, b2, b3
b3:
  ret %8
b4:
  ret
"#
    ), @r#"
    p:
       0: *(u64 *)(r10 -16) = 1
       1: r4 = *(u64 *)(r10 -16)
       2: if r4 != 1 goto pc+7
       3: *(u64 *)(r10 -24) = r4
       4: goto pc+0
       5: r0 = *(u64 *)(r10 -24)
       6: *(u64 *)(r10 -8) = r0
       7: r0 = *(u64 *)(r10 -8)
       8: if r0 == 1 goto pc-4
       9: exit
      10: r0 = 0
      11: exit
    "#);
}

#[test]
fn limits_are_errors() {
    insta::assert_snapshot!(body(
        r#"
  $0 = slot 520 align 8 stack
b0:
  %1 = slot $0
  %2 = helper send_signal(%1)
  ret
"#
    ), @"function p: 520 bytes don't fit on the BPF stack any more");
    insta::assert_snapshot!(body(
        r#"
  $0 = slot 5000000 align 8 any
b0:
  %1 = slot $0
  %2 = helper send_signal(%1)
  ret
"#
    ), @"
    program p needs 5000000 bytes of scratch memory; there are 4194304
    ");
    insta::assert_snapshot!(code(
        r#"
sub @f(%0: i64) {
  $0 = slot 8 align 8 scratch
b0:
  %1 = slot $0
  %2 = helper send_signal(%1)
  ret
}"#
    ), @"subprogram f needs scratch memory, which only programs have");
    insta::assert_snapshot!(code(
        r#"
sub @f(%0: i64) {
b0:
  %1 = call @g(%0)
  ret
}
sub @g(%0: i64) {
b0:
  %1 = call @f(%0)
  ret
}"#
    ), @"function f calls itself");
    let slot = |name: &str, size: u32, rest: &str| {
        format!(
            "sub @{name}(%0: i64) {{\n  $0 = slot {size} align 8 any\nb0:\n  %1 = slot $0\n  %2 = \
             helper send_signal(%1)\n{rest}  ret\n}}\n"
        )
    };
    let chain = slot("f", 300, "  %3 = call @g(%0)\n") + &slot("g", 200, "");
    insta::assert_snapshot!(code(&chain), @"function f: 300 bytes don't fit on the BPF stack any more");
}

#[test]
fn listings_show_their_source() {
    let mut sources = Sources::new();
    sources.add("count.d", "BEGIN\n{\n    x = 1;\n    y = cpu;\n}\n", SourceKind::Script);
    let text = r#"
bss 16
program "raw_tp" @p(%0: ptr) {
b0:
  %1 = bss 0
  %2 = const 1  ; 0:16-17
  store.u64 %1, %2  ; 0:12-17
  %3 = helper get_smp_processor_id()  ; 0:27-30
  %4 = bss 8  ; 0:23-30
  store.u64 %4, %3  ; 0:23-30
  ret
}"#;
    let mut module = parse(text).expect("valid text");
    let code = compile(&mut module, &Options::default()).expect("valid IR");
    insta::assert_snapshot!(disasm::listing(&code.functions[0], &module, Some(&sources)), @r#"
    p:
    ; count.d:3: x = 1
       0: r3 = map_value[fd 0] + 0             ; bss + 0
       2: *(u64 *)(r3 +0) = 1
    ; count.d:4: cpu
       3: call bpf_get_smp_processor_id
    ; count.d:4: y = cpu
       4: r5 = map_value[fd 8] + 0             ; bss + 8
       6: *(u64 *)(r5 +0) = r0
       7: r0 = 0
       8: exit
    "#);
}
