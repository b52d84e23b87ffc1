//! What becomes of small functions, as text.

use crate::ir::parse::parse;

/// A program of this body after all passes.
fn optimised(text: &str) -> String {
    passed(&format!("bss 64\nprogram \"raw_tp\" @p(%0: ptr) {{\n{text}\n}}"))
}

/// A module after all passes.
fn passed(text: &str) -> String {
    let mut module = match parse(text) {
        Ok(module) => module,
        Err(e) => return e.to_string(),
    };
    super::optimise(&mut module);
    module.to_string()
}

const MAP: &str = "map t hash entries 16 flags 0x0\n  key 8 align 8 { k: u64 @0 }\n  \
                   value 8 align 8 { v: u64 @0 }\n";

/// `t[k]` in a predicate, in the clause, and then deleted.
#[test]
fn an_element_is_looked_up_once() {
    let text = r#"program "raw_tp" @p(%0: ptr) {
  $0 = slot 8 align 8 any
b0:
  %1 = load.u64 %0
  %2 = slot $0
  store.u64 %2, %1
  %3 = map t
  %4 = helper map_lookup_elem(%3, %2)
  %5 = const 0
  br.eq %4, %5, b5, b1
b1:
  %6 = load.u64 %4
  br.ne %6, %5, b2, b5
b2:
  %7 = helper ktime_get_ns()
  %8 = slot $0
  store.u64 %8, %1
  %9 = map t
  %10 = helper map_lookup_elem(%9, %8)
  br.eq %10, %5, b4(%5), b3
b3:
  %11 = load.u64 %10
  jump b4(%11)
b4(%12: i64):
  %13 = sub %7, %12
  store.u64 %8, %1
  %14 = helper map_delete_elem(%9, %8)
  ret %13
b5:
  ret
}"#;
    insta::assert_snapshot!(passed(&format!("{MAP}{text}")));
}

/// Behind one that another call may have written to, it is looked up again.
#[test]
fn an_element_is_looked_up_again() {
    let text = r#"program "raw_tp" @p(%0: ptr) {
  $0 = slot 8 align 8 any
b0:
  %1 = load.u64 %0
  %2 = slot $0
  store.u64 %2, %1
  %3 = map t
  %4 = helper map_lookup_elem(%3, %2)
  %5 = helper map_delete_elem(%3, %2)
  store.u64 %2, %1
  %6 = helper map_lookup_elem(%3, %2)
  %7 = const 0
  br.eq %6, %7, b2, b1
b1:
  store.u32 %2 + 4, %7
  %8 = helper map_lookup_elem(%3, %2)
  br.eq %8, %7, b2, b3
b2:
  ret
b3:
  %9 = load.u64 %6
  %10 = load.u64 %8
  %11 = add %9, %10
  ret %11
}"#;
    insta::assert_snapshot!(passed(&format!("{MAP}{text}")));
}

/// A key whose part is read of the kernel again is there already, whatever the program has written
/// elsewhere; not behind what may have waited.
#[test]
fn a_key_of_the_kernels_is_made_once() {
    let text = r#"program "raw_tp" @p(%0: ptr) {
  $0 = slot 8 align 8 any
b0:
  %1 = helper get_current_task_btf()
  %2 = load.u64 %1 + field:0
  %3 = slot $0
  store.u64 %3, %2
  %4 = map t
  %5 = helper map_delete_elem(%4, %3)
  %6 = load.u64 %1 + field:0
  store.u64 %3, %6
  %7 = helper map_delete_elem(%4, %3)
  %8 = call @waits()
  %9 = call @waits()
  %10 = load.u64 %1 + field:0
  store.u64 %3, %10
  %11 = helper map_delete_elem(%4, %3)
  ret %11
}
sub @waits() {
b0:
  %0 = helper ktime_get_ns()
  ret %0
}"#;
    let field = "field:0 \"task_struct.tgid\" root 12 path [8] offset 40 size 8\n";
    insta::assert_snapshot!(passed(&format!("{MAP}{field}{text}")));
}

/// Only the low bytes of a number are stored, whatever extends it.
#[test]
fn stored_numbers_are_not_extended() {
    insta::assert_snapshot!(optimised(
        r#"
b0:
  %1 = load.s32 %0
  %2 = bss 0
  store.u32 %2, %1
  %3 = helper get_current_pid_tgid()
  %4 = const 32
  %5 = lshr %3, %4
  %6 = sext32 %5
  store.u64 %2 + 8, %6
  %7 = sext32 %3
  store.u16 %2 + 16, %7
  ret"#
    ));
}

/// `@twice` is called from two places, `@once` from one.
#[test]
fn what_is_called_once_goes_there() {
    insta::assert_snapshot!(passed(
        r#"
bss 64
sub @once(%0: i64) {
  $0 = slot 8 align 8 any
b0:
  %1 = slot $0
  store.u64 %1, %0
  %2 = bss 8
  %3 = helper probe_read_kernel(%2, %0, %1)
  ret %3
}
program "raw_tp" @p(%0: ptr) {
b0:
  %1 = load.u64 %0
  %2 = call @once(%1)
  %3 = call @twice(%2)
  %4 = call @twice(%3)
  ret %4
}
sub @twice(%0: i64) {
b0:
  %1 = helper send_signal(%0)
  ret %1
}"#
    ));
}

/// What all who jump there pass alike is no parameter; what they don't is one.
#[test]
fn parameters_that_are_always_the_same_go() {
    insta::assert_snapshot!(optimised(
        r#"
b0:
  %1 = load.u64 %0
  %2 = const 7
  %3 = const 1
  %4 = const 2
  br.eq %1, %2, b2(%3, %1, %2), b1
b1:
  %5 = helper send_signal(%1)
  br.eq %5, %2, b2(%4, %1, %2), b3
b2(%6: i64, %7: i64, %8: i64):
  %9 = helper send_signal(%6)
  %10 = helper send_signal(%7)
  %11 = helper send_signal(%8)
  jump b3
b3:
  ret"#
    ));
}
