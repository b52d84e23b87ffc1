//! Generates the parser from `src/d.lalrpop`.

fn main() {
    println!("cargo:rerun-if-changed=src/d.lalrpop");
    if let Err(e) = lalrpop::process_src() {
        eprintln!("{e}");
        std::process::exit(1);
    }
}
