//! `-F`: output indented by the entries and returns of functions.
//!
//! In: firings of probes, in order, with their processors. Out: what a line begins with. A
//! probe called `entry`, or whatever ends in `-entry`, goes one level deeper, and `return`
//! comes back; every processor has its own depth.

use rustc_hash::FxHashMap;
use strand_compiler::manifest::Probe;

/// How deep each processor is.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// Whether output is indented at all.
    pub on: bool,
    cpus: FxHashMap<u32, Depth>,
}

#[derive(Clone, Debug, Default)]
struct Depth {
    indent: usize,
    /// The probe and clause that came last.
    last: Option<(u32, u32)>,
}

impl Flow {
    /// The header of the output.
    pub fn header(testing: bool) -> String {
        let function = format!("{:<41}\n", "FUNCTION");
        if testing { function } else { format!("CPU {function}") }
    }

    /// What the line of a clause begins with.
    pub fn line(&mut self, cpu: u32, probe: &Probe, clause: u32, testing: bool) -> String {
        let depth = self.cpus.entry(cpu).or_default();
        let is = |word: &str| {
            let before = probe.name.strip_suffix(word);
            before.is_some_and(|b| b.is_empty() || b.ends_with('-'))
        };
        let syscall = probe.provider == "syscall";
        // A second clause of the same entry is at the level of the first.
        let again = depth.last.is_some_and(|(id, c)| id == probe.id && c != clause);
        depth.last = Some((probe.id, clause));
        let (arrow, after) = match (is("entry"), is("return")) {
            (true, _) if again => ("| ", 0),
            (true, _) => (if syscall { " => " } else { " -> " }, 2),
            (_, true) => {
                depth.indent = depth.indent.saturating_sub(2);
                (if syscall { " <= " } else { " <- " }, 0)
            }
            _ => ("| ", 0),
        };
        let name = match arrow {
            "| " => format!("{}:{}", probe.function, probe.name),
            _ => probe.function.clone(),
        };
        let text = format!("{:indent$}{arrow}{name}", "", indent = depth.indent);
        depth.indent += after;
        if testing { format!("{text:<41} ") } else { format!("{cpu:>3} {text:<41} ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(id: u32, provider: &str, function: &str, name: &str) -> Probe {
        Probe {
            id,
            provider: provider.to_owned(),
            module: String::new(),
            function: function.to_owned(),
            name: name.to_owned(),
        }
    }

    #[test]
    fn depths() {
        let (call, back) =
            (probe(1, "syscall", "read", "entry"), probe(2, "syscall", "read", "return"));
        let (f, r) = (probe(3, "fbt", "vfs_read", "entry"), probe(4, "fbt", "vfs_read", "return"));
        let other = probe(5, "sdt", "", "carpentry");
        let mut flow = Flow { on: true, ..Flow::default() };
        let mut out = Flow::header(false);
        for (cpu, probe, clause) in [
            (0, &call, 0),
            (0, &f, 1),
            (0, &f, 2),
            (1, &r, 1),
            (0, &other, 3),
            (0, &r, 1),
            (0, &back, 0),
        ] {
            out += flow.line(cpu, probe, clause, false).trim_end();
            out.push('\n');
        }
        insta::assert_snapshot!(out, @r"
        CPU FUNCTION                                 
          0  => read
          0    -> vfs_read
          0     | vfs_read:entry
          1  <- vfs_read
          0     | :carpentry
          0    <- vfs_read
          0  <= read
        ");
    }
}
