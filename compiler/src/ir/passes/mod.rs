//! Makes IR smaller and faster without changing what it means.
//!
//! In: a verified [`Module`]. Out: an equivalent one, verified after each pass in debug
//! builds. Every pass is close to linear: a script of a thousand clauses is one
//! function of tens of thousands of instructions.
//!
//! What no pass does, because the kernel's verifier reads the result: compute on a
//! pointer before its null check, use a value computed before a bounds check in place
//! of one computed behind it, or keep memory in registers across a call.

mod checks;
mod cse;
mod dead;
mod fold;
mod inline;
mod memory;
mod merge;
mod params;
#[cfg(test)]
mod tests;
mod thread;

use super::{Function, Module, Value, verify};

/// A pass: its name and what it does to a function.
type Pass = (&'static str, fn(&mut Function));

/// In order. Threading leaves blocks for merging; both make single-entry regions for
/// the passes that follow dominators, whose findings in turn free edges to thread. Where a
/// check is gone, there are fewer ways on which memory may be written: once more, then.
const PIPELINE: &[Pass] = &[
    ("merge", merge::merge),
    ("fold", fold::fold),
    ("thread", thread::thread),
    ("merge", merge::merge),
    ("params", params::params),
    ("cse", cse::cse),
    ("checks", checks::checks),
    ("merge", merge::merge),
    ("fold", fold::fold),
    ("thread", thread::thread),
    ("merge", merge::merge),
    ("cse", cse::cse),
    ("checks", checks::checks),
    ("merge", merge::merge),
    ("thread", thread::thread),
    ("merge", merge::merge),
    ("params", params::params),
    ("dead", dead::dead),
];

/// Runs all passes over each function, while the processor has it in its caches.
pub fn optimise(module: &mut Module) {
    verify::assert_valid(module, "lower");
    inline::inline(module);
    verify::assert_valid(module, "inline");
    for i in 0..module.functions.len() {
        for (name, pass) in PIPELINE {
            pass(&mut module.functions[i]);
            verify::assert_function_valid(module, i, name);
        }
    }
}

/// The same, pass by pass: calls `show` with what lowering made and with what each makes of it.
pub fn optimise_and_show(module: &mut Module, mut show: impl FnMut(&'static str, &Module)) {
    let mut checked = |name, module: &Module| {
        verify::assert_valid(module, name);
        show(name, module);
    };
    checked("lower", module);
    inline::inline(module);
    checked("inline", module);
    for (name, pass) in PIPELINE {
        module.functions.iter_mut().for_each(pass);
        checked(name, module);
    }
}

/// Replaces every use of a value by what `name` says.
fn rename(function: &mut Function, name: impl Fn(Value) -> Value) {
    for block in &mut function.blocks {
        for inst in &mut block.insts {
            inst.op.map_uses(|v| *v = name(*v));
        }
        block.term.map_uses(|v| *v = name(*v));
    }
}
