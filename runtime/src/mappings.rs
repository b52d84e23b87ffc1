//! What processes had mapped, for when they are gone.
//!
//! In: processes, while they live. Out: the file and the offset in it that an address of
//! such a process belonged to. Aggregated stacks are printed at the end of tracing, when
//! the command that was traced has long ended.

use rustc_hash::FxHashMap;

/// A file in a process's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    /// The file.
    pub path: String,
}

impl Mapping {
    /// From a line of /proc/PID/maps; `None` for memory that is of no file.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let offset = words.nth(1)?;
        let path = words.nth(2)?.trim_start();
        let number = |text| u64::from_str_radix(text, 16).ok();
        path.starts_with('/').then_some(Mapping {
            start: number(start)?,
            end: number(end)?,
            offset: number(offset)?,
            path: path.to_owned(),
        })
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
}

impl Mappings {
    /// Looks at a process's mappings and keeps them, if it has any.
    pub fn note(&mut self, pid: u32) {
        let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/maps")) else { return };
        let mappings: Vec<Mapping> = text.lines().filter_map(Mapping::parse).collect();
        // One that is ending has none any more.
        if !mappings.is_empty() {
            self.of.insert(pid, mappings);
        }
    }

    /// The mapping that an address was in.
    pub fn find(&self, pid: u32, address: u64) -> Option<&Mapping> {
        self.of.get(&pid)?.iter().find(|m| m.start <= address && address < m.end)
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
    }
}
