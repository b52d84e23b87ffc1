//! `strand features`: what this kernel gives to tracers.
//!
//! In: the kernel. Out: a table of features, whether it has them, and what needs them. The
//! kernel is asked, where it answers; nothing is concluded from its version.

use crate::feature;
use crate::kernel::LiveKernel;
use std::io::{self, Write};
use strand_compiler::kernel::{Feature, Kernel};

/// One line.
#[derive(Clone)]
struct Line {
    what: &'static str,
    /// `None`: nothing tells.
    has: Option<bool>,
    needs: &'static str,
}

/// Writes the table.
pub fn write(kernel: &LiveKernel, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Linux {}, {}", release(), std::env::consts::ARCH)?;
    if let Err(e) = feature::any() {
        return writeln!(out, "No BPF program can be loaded: {e}");
    }
    let lines = [types(kernel), places(kernel), programs(kernel), rights()].concat();
    let width = lines.iter().map(|l| l.what.chars().count()).max().unwrap_or(0);
    for Line { what, has, needs } in &lines {
        let has = has.map_or("?", |has| if has { "yes" } else { "no" });
        writeln!(out, "{what:width$}  {has:3}  {needs}")?;
    }
    Ok(())
}

fn line(what: &'static str, has: bool, needs: &'static str) -> Line {
    Line { what, has: Some(has), needs }
}

fn types(kernel: &LiveKernel) -> Vec<Line> {
    let symbols = kernel.symbols();
    vec![
        line("types of the kernel", kernel.btf().is_some(), "args[], curthread, structures"),
        line(
            "types of modules",
            kernel.btf_modules().iter().any(|m| kernel.module_btf(m).is_some()),
            "fbt and sdt of modules (no: none is loaded, or they have none)",
        ),
        line(
            "addresses of symbols",
            symbols.is_some_and(|s| !s.hidden()),
            "stack(), sym(), fbt globs",
        ),
        line(
            "addresses of variables",
            symbols.is_some_and(|s| !s.hidden() && s.has_data()),
            "`variables, but those of each CPU",
        ),
    ]
}

fn places(kernel: &LiveKernel) -> Vec<Line> {
    let has = |feature| kernel.has(feature);
    let events = kernel.tracefs().is_ok();
    vec![
        line("list of events", events, "vminfo, cpc; arguments of events without types"),
        line("typed tracepoints", has(Feature::BtfTracepoint), "sdt, syscall, io, sched, proc …"),
        line("fentry and fexit", has(Feature::Fentry), "fbt (no: kprobes)"),
        line(
            "  of more than 6 arguments",
            has(Feature::Fentry) && kernel.fentry_takes_many_arguments(),
            "fbt of such functions (no: kprobes)",
        ),
        line("kprobes", has(Feature::Kprobe), "fbt, rawfbt, return()"),
        line(
            "  many in one link",
            has(Feature::Kprobe) && feature::kprobe_multi(),
            "fbt globs (no: one by one, which takes longer)",
        ),
        line(
            "many uprobes in one link",
            feature::uprobe_multi(),
            "pid and uprobe globs (no: one by one, which takes longer)",
        ),
        line(
            "list of traceable functions",
            has(Feature::Kprobe) && kernel.traceable().is_some(),
            "fbt globs",
        ),
    ]
}

fn programs(kernel: &LiveKernel) -> Vec<Line> {
    let has = |feature| kernel.has(feature);
    vec![
        line("task storage", has(Feature::TaskStorage), "self->variables"),
        line("loops of any length", has(Feature::Loop), "for, while, long strings"),
        line("comparison of strings", has(Feature::Strncmp), "quicker comparisons"),
        line("maps that grow", has(Feature::HashNoPrealloc), "memory for what is used only"),
    ]
}

fn rights() -> Vec<Line> {
    // There is no such file where securityfs isn't mounted.
    let lockdown = std::fs::read_to_string("/sys/kernel/security/lockdown").ok();
    let free = lockdown.map(|modes| modes.contains("[none]"));
    vec![Line { what: "no lockdown", has: free, needs: "copyout(), copyoutstr()" }]
}

fn release() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    text.trim().to_owned()
}
