//! What processes had mapped, for when they are gone.
//!
//! In: processes, while they live, and the kernel's notes of them. Out: the file and the offset in it that an address of
//! such a process belonged to. Aggregated stacks are printed at the end of tracing, when
//! the command that was traced has long ended.

use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Processes that are remembered, and mappings of each: the latest.
const PROCESSES: usize = 8192;
const MAPPINGS: usize = 1024;

/// The name of the kernel's own code in processes.
pub const VDSO: &str = "[vdso]";

/// Likewise, where functions return to whose returns are probed.
pub const UPROBES: &str = "[uprobes]";

/// A file in a process's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    /// The file; [`VDSO`] and [`UPROBES`] are none, but like one.
    pub path: String,
}

/// Whether a mapping of this name is of a file, or like one; memory that is of none has names
/// that begin with two.
pub fn is_mapped(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") || [VDSO, UPROBES].contains(&path)
}

impl Mapping {
    /// Of so many bytes.
    pub fn new(start: u64, len: u64, offset: u64, path: String) -> Mapping {
        Mapping { start, end: start.saturating_add(len), offset, path }
    }

    /// From a line of /proc/PID/maps; `None` for memory that is of no file.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let offset = words.nth(1)?;
        let path = words.nth(2)?.trim_start();
        let number = |text| u64::from_str_radix(text, 16).ok();
        is_mapped(path).then_some(Mapping {
            start: number(start)?,
            end: number(end)?,
            offset: number(offset)?,
            path: path.to_owned(),
        })
    }

    /// How the file may be opened: in the process's mounts, through the mapping itself, and when
    /// the process is gone, under the name that it had.
    pub fn ways(&self, pid: u32) -> [String; 3] {
        let Mapping { start, end, path, .. } = self;
        let mapping = format!("/proc/{pid}/map_files/{start:x}-{end:x}");
        [format!("/proc/{pid}/root{path}"), mapping, path.clone()]
    }

    /// Where it begins.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The file's name without its folders.
    pub fn base_name(&self) -> String {
        self.path.rsplit('/').next().unwrap_or_default().to_owned()
    }

    /// Where in the file an address is.
    pub fn file_offset(&self, address: u64) -> u64 {
        address - self.start + self.offset
    }
}

/// Mappings of processes, as last seen.
#[derive(Debug, Default)]
pub struct Mappings {
    of: FxHashMap<u32, Vec<Mapping>>,
    /// Processes in the order in which they came.
    order: VecDeque<u32>,
    /// When.
    ended: FxHashMap<u32, u64>,
}

impl Mappings {
    /// Looks at a process's mappings and keeps them, if it has any.
    pub fn note(&mut self, pid: u32) {
        let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/maps")) else { return };
        let mappings: Vec<Mapping> = text.lines().filter_map(Mapping::parse).collect();
        // One that is ending has none any more.
        if !mappings.is_empty() {
            *self.of_process(pid) = mappings;
        }
    }

    /// A new one.
    pub fn add(&mut self, pid: u32, mapping: Mapping) {
        let all = self.of_process(pid);
        if all.len() >= MAPPINGS {
            all.drain(..MAPPINGS / 2);
        }
        all.push(mapping);
    }

    /// A new process has what its parent has. What it has mapped itself, and that it has ended,
    /// may be known already, as notes of several CPUs aren't in order.
    pub fn inherit(&mut self, pid: u32, parent: u32, time: u64) {
        if self.ended.get(&pid).is_some_and(|ended| *ended < time) {
            self.ended.remove(&pid);
            self.of_process(pid).clear();
        }
        if !self.of.contains_key(&parent) {
            self.note(parent);
        }
        if let Some(all) = self.of.get(&parent).cloned() {
            self.of_process(pid).splice(..0, all);
        }
    }

    /// A later process of this id is another.
    pub fn end(&mut self, pid: u32, time: u64) {
        if self.of.contains_key(&pid) {
            self.ended.insert(pid, time);
        }
    }

    fn of_process(&mut self, pid: u32) -> &mut Vec<Mapping> {
        if !self.of.contains_key(&pid) {
            self.order.push_back(pid);
            if self.order.len() > PROCESSES
                && let Some(oldest) = self.order.pop_front()
            {
                self.of.remove(&oldest);
                self.ended.remove(&oldest);
            }
        }
        self.of.entry(pid).or_default()
    }

    /// Whether anything is known of a process.
    pub fn knows(&self, pid: u32) -> bool {
        self.of.contains_key(&pid)
    }

    /// The mapping that an address was in: the latest, where there were several.
    pub fn find(&self, pid: u32, address: u64) -> Option<&Mapping> {
        self.of.get(&pid)?.iter().rev().find(|m| m.start <= address && address < m.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_maps() {
        let line = "7f0010-7f0030 r-xp 00002000 fe:00 1234                       /usr/lib/a b.so";
        let mapping = Mapping::parse(line).expect("a file");
        assert_eq!(mapping.path, "/usr/lib/a b.so");
        assert_eq!(mapping.file_offset(0x7f0018), 0x2008);
        assert_eq!(Mapping::parse("7f0010-7f0030 rw-p 00000000 00:00 0 "), None);
        assert_eq!(Mapping::parse("7f0010-7f0030 rw-p 00000000 00:00 0      [heap]"), None);
        assert!(!is_mapped("//anon"));
        let vdso = Mapping::parse("7f0010-7f0030 r-xp 00000000 00:00 0      [vdso]");
        assert_eq!(vdso.map(|m| (m.base_name(), m.size())), Some((VDSO.to_owned(), 0x20)));
    }
}
