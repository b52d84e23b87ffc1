//! The table of processors that `curcpu` points into.
//!
//! In: sysfs. Out: for each CPU its number, chip and NUMA node. What sysfs doesn't tell is
//! 0, as on a machine that has one of it.

use std::fs;
use std::path::Path;
use strand_compiler::manifest::PROCESSOR_SIZE;

const CPUS: &str = "/sys/devices/system/cpu";

/// The table's bytes, for CPUs 0 to `count` - 1.
pub fn table(count: u32) -> Vec<u8> {
    table_in(Path::new(CPUS), count)
}

fn table_in(cpus: &Path, count: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity((count * PROCESSOR_SIZE) as usize);
    for cpu in 0..count {
        let folder = cpus.join(format!("cpu{cpu}"));
        for word in [cpu as i32, 0, chip(&folder), node(&folder)] {
            bytes.extend(word.to_ne_bytes());
        }
    }
    bytes
}

/// The package; -1 means that the machine doesn't say.
fn chip(cpu: &Path) -> i32 {
    let text = fs::read_to_string(cpu.join("topology/physical_package_id"));
    text.ok().and_then(|t| t.trim().parse().ok()).unwrap_or(0).max(0)
}

/// A CPU's folder has a link to its node, `node3`.
fn node(cpu: &Path) -> i32 {
    let entries = fs::read_dir(cpu).into_iter().flatten().flatten();
    let number = |name: &str| name.strip_prefix("node")?.parse().ok();
    entries.filter_map(|e| number(&e.file_name().to_string_lossy())).next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_zero() {
        let words: Vec<i32> = table_in(Path::new("/nowhere"), 2)
            .chunks(4)
            .map(|w| i32::from_ne_bytes([w[0], w[1], w[2], w[3]]))
            .collect();
        assert_eq!(words, [0, 0, 0, 0, 1, 0, 0, 0]);
    }
}
