//! What is selected for small functions, as annotated listings.

use super::{Options, compile, disasm};
use crate::ir::parse::parse;

/// The listing of all functions of a module.
fn code(text: &str) -> String {
    let mut module = match parse(text) {
        Ok(module) => module,
        Err(e) => return e.to_string(),
    };
    match compile(&mut module, &Options::default()) {
        Ok(code) => code.functions.iter().map(|f| disasm::listing(f, &module, None)).collect(),
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
