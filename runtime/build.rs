//! Links the unwinder from gcc's static library.
//!
//! In: nothing. Out: a linker script in place of `libgcc_s.so`, which the standard library asks
//! for, so that executables need no shared library but libc.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo says where"));
    std::fs::write(folder.join("libgcc_s.so"), "INPUT(libgcc_eh.a)\n").expect("a file of our own");
    println!("cargo:rustc-link-search=native={}", folder.display());
}
