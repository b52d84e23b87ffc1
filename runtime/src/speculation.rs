//! Speculations: records that wait for a `commit`.
//!
//! In: records of speculations with their serial numbers, and which of these are committed. Out:
//! the records of a committed one, in the order in which they came. What is more than `specsize`
//! bytes is dropped and counted, as a full buffer's would be. Nobody tells what is discarded: a
//! greater serial number of the same id does.

use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;

/// Records that wait.
#[derive(Debug)]
pub struct Speculations {
    /// By id.
    waiting: FxHashMap<u32, Waiting>,
    /// Of an id, the lowest of a serial number.
    bits: u32,
    specsize: usize,
    /// Records that found no room.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Waiting {
    serial: u32,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Speculations {
    /// Each takes so many bytes at most; ids have so many bits.
    pub fn new(specsize: usize, bits: u32) -> Self {
        Speculations { waiting: FxHashMap::default(), bits, specsize, dropped: 0 }
    }

    fn id(&self, serial: u32) -> u32 {
        serial & 1u32.checked_shl(self.bits).map_or(u32::MAX, |n| n - 1)
    }

    /// Keeps a record.
    pub fn add(&mut self, serial: u32, record: &[u8]) {
        let waiting = self.waiting.entry(self.id(serial)).or_default();
        if waiting.serial != serial {
            // Serial numbers begin anew after the last. One that is less is of somebody who was
            // still speculating when it was over.
            let newer = serial.wrapping_sub(waiting.serial) as i32 > 0;
            if !newer && !waiting.ends.is_empty() {
                return;
            }
            waiting.bytes.clear();
            waiting.ends.clear();
            waiting.serial = serial;
        }
        if waiting.bytes.len() + record.len() > self.specsize {
            self.dropped += 1;
            return;
        }
        waiting.bytes.extend_from_slice(record);
        waiting.ends.push(waiting.bytes.len());
    }

    /// The records of a speculation, which is then over.
    pub fn take(&mut self, serial: u32) -> Vec<Vec<u8>> {
        let Entry::Occupied(known) = self.waiting.entry(self.id(serial)) else { return Vec::new() };
        if known.get().serial != serial {
            return Vec::new();
        }
        let waiting = known.remove();
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
        let mut s = Speculations::new(5, 2);
        s.add(1, b"ab");
        s.add(2, b"x");
        s.add(1, b"cde");
        s.add(1, b"f");
        assert_eq!(s.dropped, 1);
        assert_eq!(s.take(1), [b"ab".to_vec(), b"cde".to_vec()]);
        assert!(s.take(1).is_empty());
        assert_eq!(s.take(2).len(), 1);
    }

    /// The next speculation of an id ends the one before, of which nothing is taken any more.
    #[test]
    fn the_next_one_ends_the_last() {
        let mut s = Speculations::new(9, 2);
        s.add(4 + 1, b"old");
        s.add(8 + 2, b"other");
        s.add(8 + 1, b"new");
        s.add(4 + 1, b"late");
        assert!(s.take(4 + 1).is_empty());
        assert_eq!(s.take(8 + 1), [b"new".to_vec()]);
        assert_eq!(s.take(8 + 2), [b"other".to_vec()]);
        let last = u32::MAX - 2;
        s.add(last, b"old");
        s.add(1, b"new");
        assert!(s.take(last).is_empty());
        assert_eq!(s.take(1), [b"new".to_vec()]);
    }
}
