//! The maps of a loaded object, as the consumer sees them.
//!
//! In: [`Loaded`]. Out: elements of aggregations with each processor's value, counters
//! of drops. Decides nothing about their meaning, but hides that short keys have a map of their own.

use crate::aggregation::{Element, Source};
use crate::load::{LoadError, Loaded};
use libbpf_rs::{MapCore, MapFlags, MapType};
use strand_compiler::manifest::{Aggregation, DROP_CPUS, DROPS, DROPS_OF_CPU};

/// The maps.
pub struct Maps<'a> {
    loaded: &'a Loaded,
}

/// One processor's counters of drops.
pub type DropCounts = [u64; DROPS as usize];

impl<'a> Maps<'a> {
    /// Of a loaded object.
    pub fn new(loaded: &'a Loaded) -> Maps<'a> {
        Maps { loaded }
    }

    fn map(&self, name: &str) -> Result<libbpf_rs::Map<'a>, String> {
        self.loaded.map(name).ok_or_else(|| LoadError::Missing(name.to_owned()).to_string())
    }

    /// The map that an element is in, and its key there.
    fn place<'k>(&self, map: &'k str, key: &'k [u8]) -> (&'k str, &'k [u8])
    where
        'a: 'k,
    {
        let short = self.aggregation(map).and_then(|a| a.short.as_ref());
        match short.and_then(|short| Some((&short.map, short.cut(key)?))) {
            Some((short, key)) => (short, key),
            None => (map, key),
        }
    }

    /// Of one map: keys, and a value for each CPU.
    fn elements(&self, map: &str) -> Result<Vec<Element>, String> {
        let map = self.map(map)?;
        let mut elements = Vec::new();
        for key in map.keys() {
            // An element may go between the two calls; then it isn't there.
            let values = map.lookup_percpu(&key, MapFlags::ANY).map_err(|e| e.to_string())?;
            elements.extend(values.map(|values| (key, values)));
        }
        Ok(elements)
    }

    fn aggregation(&self, map: &str) -> Option<&'a Aggregation> {
        self.loaded.manifest.aggregations.iter().find(|a| a.map == map)
    }

    /// How many firings no program has seen so far.
    pub fn misses(&self) -> u64 {
        crate::misses::count(&self.loaded.object)
    }

    /// What was lost so far, by processor; nothing if nothing can be lost.
    pub fn drops(&self) -> Vec<DropCounts> {
        let Some(at) = self.loaded.manifest.drops else { return Vec::new() };
        let word = |n: u32| self.loaded.counter(at + 8 * n).unwrap_or(0);
        let cpus = libbpf_rs::num_possible_cpus().unwrap_or(1).min(DROP_CPUS as usize) as u32;
        let counts = |cpu: u32| {
            let mut counts = [0; DROPS as usize];
            for (n, count) in (0..).zip(&mut counts) {
                if n < DROPS_OF_CPU {
                    *count = word(DROPS + cpu * DROPS_OF_CPU + n);
                } else if cpu == 0 {
                    // Of the whole machine.
                    *count = word(n);
                }
            }
            counts
        };
        (0..cpus).map(counts).collect()
    }
}

impl Source for Maps<'_> {
    fn read(&mut self, map: &str) -> Result<Vec<Element>, String> {
        let mut elements = self.elements(map)?;
        if let Some((a, short)) = self.aggregation(map).and_then(|a| Some((a, a.short.as_ref()?))) {
            for (mut key, values) in self.elements(&short.map)? {
                key.resize(a.key_size as usize, 0);
                elements.push((key, values));
            }
        }
        Ok(elements)
    }

    fn delete(&mut self, map: &str, key: &[u8]) -> Result<(), String> {
        let (name, key) = self.place(map, key);
        let map = self.map(name)?;
        if map.map_type() == MapType::PercpuArray {
            // Elements of arrays stay; to be all zero is to be gone.
            return self.zero(name, key, map.value_size());
        }
        match map.delete(key) {
            Err(e) if e.kind() != libbpf_rs::ErrorKind::NotFound => Err(e.to_string()),
            _ => Ok(()),
        }
    }

    fn zero(&mut self, map: &str, key: &[u8], value_size: u32) -> Result<(), String> {
        let cpus = libbpf_rs::num_possible_cpus().map_err(|e| e.to_string())?;
        let zeros = vec![vec![0; value_size as usize]; cpus];
        let (map, key) = self.place(map, key);
        self.map(map)?.update_percpu(key, &zeros, MapFlags::ANY).map_err(|e| e.to_string())
    }
}
