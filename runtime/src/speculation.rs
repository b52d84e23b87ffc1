//! Speculations: records that wait for a `commit` or a `discard`.
//!
//! In: records of speculations, and what becomes of them. Out: the records of a committed
//! one, in the order in which they came. What is more than `specsize` bytes is dropped
//! and counted, as a full buffer's would be.

use rustc_hash::FxHashMap;

/// Records that wait.
#[derive(Debug)]
pub struct Speculations {
    waiting: FxHashMap<u32, Waiting>,
    specsize: usize,
    /// Records that found no room.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Speculations {
    /// Each takes so many bytes at most.
    pub fn new(specsize: usize) -> Self {
        Speculations { waiting: FxHashMap::default(), specsize, dropped: 0 }
    }

    /// Keeps a record.
    pub fn add(&mut self, id: u32, record: &[u8]) {
        let waiting = self.waiting.entry(id).or_default();
        if waiting.bytes.len() + record.len() > self.specsize {
            self.dropped += 1;
            return;
        }
        waiting.bytes.extend_from_slice(record);
        waiting.ends.push(waiting.bytes.len());
    }

    /// The records of a speculation, which is then over.
    pub fn take(&mut self, id: u32) -> Vec<Vec<u8>> {
        let Some(waiting) = self.waiting.remove(&id) else { return Vec::new() };
        let mut start = 0;
        let cut = |end: usize| {
            let record = waiting.bytes[start..end].to_vec();
            start = end;
            record
        };
        waiting.ends.iter().copied().map(cut).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_once() {
        let mut s = Speculations::new(5);
        s.add(1, b"ab");
        s.add(2, b"x");
        s.add(1, b"cde");
        s.add(1, b"f");
        assert_eq!(s.dropped, 1);
        assert_eq!(s.take(1), [b"ab".to_vec(), b"cde".to_vec()]);
        assert!(s.take(1).is_empty());
        assert_eq!(s.take(2).len(), 1);
    }
}
