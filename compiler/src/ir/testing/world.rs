//! A memory and a kernel for test programs.
//!
//! In: loads, stores and helper calls of an interpreter. Out: their effects, the same
//! for the same calls. Addresses are not real; an access outside of all regions panics.

use crate::ir::{Helper, MapKind, Module, Width};
use std::collections::BTreeMap;

/// Everything that a program can touch.
#[derive(Debug)]
pub struct World {
    regions: BTreeMap<u64, Vec<u8>>,
    next: u64,
    /// Address of the context.
    pub context: u64,
    /// Address of `.rodata`.
    pub rodata: u64,
    /// Address of `.bss`.
    pub bss: u64,
    /// By map: its elements, allocated when first looked up; none where one was deleted.
    maps: Vec<BTreeMap<u64, Option<u64>>>,
    /// By map: size of key and value.
    sizes: Vec<(u64, u64)>,
    signals: u64,
    /// In the order in which they were submitted.
    records: Vec<Vec<u8>>,
}

/// Handles of maps and functions, which no load may use.
const MAPS: u64 = 0x1000;
const FUNCTIONS: u64 = 0x2000;

/// Bytes of context that a program gets.
pub const CONTEXT: usize = 64;

impl World {
    /// The memory of a module with a context of these bytes.
    pub fn new(module: &Module, context: &[u8]) -> Self {
        let mut world = World {
            regions: BTreeMap::new(),
            next: 0x10_0000,
            context: 0,
            rodata: 0,
            bss: 0,
            maps: vec![BTreeMap::new(); module.maps.len()],
            sizes: Vec::new(),
            signals: 0,
            records: Vec::new(),
        };
        for map in &module.maps {
            use MapKind::{Array, Hash, PercpuArray, Ringbuf};
            assert!(matches!(map.kind, Array | Hash | PercpuArray | Ringbuf));
            let size = |l: &Option<crate::ir::Layout>| l.as_ref().map_or(0, |l| l.size.into());
            world.sizes.push((size(&map.key), size(&map.value)));
        }
        world.context = world.add(context.to_vec());
        world.rodata = world.add(module.rodata.clone());
        world.bss = world.add(vec![0; module.bss as usize]);
        world
    }

    /// Memory of these bytes, away from all other.
    pub fn add(&mut self, bytes: Vec<u8>) -> u64 {
        let at = self.next;
        self.next += (bytes.len() as u64).next_multiple_of(64) + 0x1000;
        self.regions.insert(at, bytes);
        at
    }

    /// Takes memory back.
    pub fn remove(&mut self, at: u64) {
        self.regions.remove(&at);
    }

    /// What can be seen from outside after a run: `.bss`, records, and what became of the elements of the
    /// first `maps` maps that are not as they were.
    pub fn effects(&self, maps: usize) -> Vec<Vec<u8>> {
        let mut effects = vec![self.regions[&self.bss].clone()];
        effects.extend_from_slice(&self.records);
        for (key, element) in self.maps.iter().take(maps).flatten() {
            let name = key.to_le_bytes().to_vec();
            match element {
                None => effects.push(name),
                Some(at) if self.regions[at].iter().any(|b| *b != *key as u8) || absent(*key) => {
                    effects.push([&name, &self.regions[at][..]].concat());
                }
                Some(_) => {}
            }
        }
        effects
    }

    fn bytes(&mut self, at: u64, len: u64) -> &mut [u8] {
        let (start, bytes) = self
            .regions
            .range_mut(..=at)
            .next_back()
            .unwrap_or_else(|| panic!("access of {at:#x}"));
        let from = at - start;
        assert!(from + len <= bytes.len() as u64, "access of {at:#x}, {len} bytes");
        &mut bytes[from as usize..(from + len) as usize]
    }

    /// Reads.
    pub fn load(&mut self, width: Width, at: u64) -> u64 {
        let mut out = [0; 8];
        let len = width.bytes() as usize;
        out[..len].copy_from_slice(self.bytes(at, len as u64));
        u64::from_le_bytes(out)
    }

    /// Writes.
    pub fn store(&mut self, width: Width, at: u64, value: u64) {
        let len = width.bytes() as usize;
        self.bytes(at, len as u64).copy_from_slice(&value.to_le_bytes()[..len]);
    }

    /// What stands for a map.
    pub fn map(index: usize) -> u64 {
        MAPS + index as u64
    }

    /// What stands for the address of a function.
    pub fn function(index: usize) -> u64 {
        FUNCTIONS + index as u64
    }

    /// The function that an address stands for.
    pub fn function_at(address: u64) -> usize {
        (address - FUNCTIONS) as usize
    }

    /// Calls a helper. `bpf_loop` is the interpreter's matter.
    pub fn helper(&mut self, helper: Helper, args: &[u64]) -> u64 {
        match (helper, args) {
            (Helper::MAP_LOOKUP_ELEM, [map, key, ..]) => self.lookup((map - MAPS) as usize, *key),
            (Helper::MAP_UPDATE_ELEM, [map, key, value, ..]) => {
                self.update((map - MAPS) as usize, *key, *value);
                0
            }
            (Helper::MAP_DELETE_ELEM, [map, key, ..]) => {
                let map = (map - MAPS) as usize;
                let key = self.key(map, *key);
                self.maps[map].insert(key, None);
                0
            }
            (Helper::PROBE_READ_KERNEL, [to, size, from, ..]) => {
                let pattern = match self.regions.range(..=*from).next_back() {
                    Some((at, bytes)) if from + size <= at + bytes.len() as u64 => {
                        bytes[(from - at) as usize..][..*size as usize].to_vec()
                    }
                    _ => from.to_le_bytes().to_vec(),
                };
                let bytes = self.bytes(*to, *size);
                bytes.iter_mut().zip(pattern.iter().cycle()).for_each(|(b, p)| *b = *p);
                0
            }
            (Helper::RINGBUF_RESERVE, [_, size, ..]) => self.add(vec![0xa5; *size as usize]),
            (Helper::RINGBUF_SUBMIT, [record, ..]) => {
                self.records.extend(self.regions.remove(record));
                0
            }
            (Helper::GET_CURRENT_PID_TGID, _) => 0x1234_5678_9abc_def0,
            (Helper::SEND_SIGNAL, _) => {
                self.signals += 1;
                self.signals.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            }
            _ => panic!("helper {helper:?} of {} arguments", args.len()),
        }
    }

    fn key(&mut self, map: usize, key: u64) -> u64 {
        let size = self.sizes[map].0;
        let mut raw = [0; 8];
        raw[..size as usize].copy_from_slice(self.bytes(key, size));
        u64::from_le_bytes(raw)
    }

    /// Three of four keys are there, with a value that depends on the key.
    fn lookup(&mut self, map: usize, key: u64) -> u64 {
        let key = self.key(map, key);
        match self.maps[map].get(&key) {
            Some(element) => return element.unwrap_or(0),
            None if absent(key) => return 0,
            None => {}
        }
        let at = self.add(vec![key as u8; self.sizes[map].1 as usize]);
        self.maps[map].insert(key, Some(at));
        at
    }

    fn update(&mut self, map: usize, key: u64, value: u64) {
        let key = self.key(map, key);
        let size = self.sizes[map].1;
        let content = self.bytes(value, size).to_vec();
        // As in the kernel, an element that is looked up already stays as it was.
        let at = self.add(content);
        self.maps[map].insert(key, Some(at));
    }
}

/// Whether a key isn't there at first.
fn absent(key: u64) -> bool {
    key % 4 == 3
}
