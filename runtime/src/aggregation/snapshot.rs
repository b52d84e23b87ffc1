//! How old the aggregations may be that `printa()` shows: the option `aggrate`.
//!
//! In: the maps, through [`Source`]. Out: elements, as they are now or as they were when they
//! were last read. Decides when they are read again: without a period whenever they are
//! printed, else once in each period, from the first time that anything is printed.

use super::{Element, Source, is_of, read};
use rustc_hash::FxHashMap;
use std::time::{Duration, Instant};
use strand_compiler::manifest::Aggregation;

/// The contents of maps at one time.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// How long it stands for what there is; without it nothing is kept.
    every: Option<Duration>,
    taken: Option<Instant>,
    maps: FxHashMap<String, Vec<Element>>,
}

impl Snapshot {
    /// Sets the period. `None` is for always.
    pub fn set_every(&mut self, every: Option<Duration>) {
        if self.every != every {
            *self = Snapshot { every, ..Snapshot::default() };
        }
    }

    /// The elements of an aggregation.
    pub(super) fn read(
        &mut self,
        a: &Aggregation,
        source: &mut dyn Source,
    ) -> Result<Vec<Element>, String> {
        if self.every.is_none() {
            return read(a, source);
        }
        self.taken.get_or_insert_with(Instant::now);
        if !self.maps.contains_key(&a.map) {
            self.maps.insert(a.map.clone(), source.read(&a.map)?);
        }
        Ok(self.maps[&a.map].iter().filter(|element| is_of(a, element)).cloned().collect())
    }

    /// What was changed on purpose is read again.
    pub(super) fn forget(&mut self, map: &str) {
        self.maps.remove(map);
    }

    /// Reads these maps, if a period has gone by.
    pub(super) fn renew<'a>(
        &mut self,
        maps: impl Iterator<Item = &'a str>,
        source: &mut dyn Source,
    ) -> Result<(), String> {
        let (Some(every), Some(taken)) = (self.every, self.taken) else { return Ok(()) };
        let elapsed = taken.elapsed();
        if elapsed < every {
            return Ok(());
        }
        // By the clock, however late we look at it.
        let late = elapsed.as_nanos() % every.as_nanos();
        self.taken = Instant::now().checked_sub(Duration::from_nanos(late as u64));
        self.maps.clear();
        for map in maps {
            if !self.maps.contains_key(map) {
                self.maps.insert(map.to_owned(), source.read(map)?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strand_compiler::manifest::AggregatingFunction;

    /// A map whose one element says how often it was read.
    #[derive(Default)]
    struct Counter(u8);

    impl Source for Counter {
        fn read(&mut self, _: &str) -> Result<Vec<Element>, String> {
            self.0 += 1;
            Ok(vec![(vec![0; 8], vec![vec![self.0]])])
        }
        fn delete(&mut self, _: &str, _: &[u8]) -> Result<(), String> {
            Ok(())
        }
        fn zero(&mut self, _: &str, _: &[u8], _: u32) -> Result<(), String> {
            Ok(())
        }
    }

    fn aggregation() -> Aggregation {
        Aggregation {
            name: String::new(),
            map: "map".to_owned(),
            number: None,
            keys: Vec::new(),
            function: AggregatingFunction::Count,
            key_size: 8,
            value_size: 8,
            short: None,
        }
    }

    fn seen(snapshot: &mut Snapshot, source: &mut Counter) -> Result<u8, String> {
        Ok(snapshot.read(&aggregation(), source)?[0].1[0][0])
    }

    #[test]
    fn without_a_period_it_is_always_read() -> Result<(), String> {
        let (mut snapshot, mut source) = (Snapshot::default(), Counter::default());
        assert_eq!(seen(&mut snapshot, &mut source)?, 1);
        assert_eq!(seen(&mut snapshot, &mut source)?, 2);
        snapshot.renew(["map"].into_iter(), &mut source)?;
        assert_eq!(seen(&mut snapshot, &mut source)?, 3);
        Ok(())
    }

    #[test]
    fn a_period_goes_by() -> Result<(), String> {
        let (mut snapshot, mut source) = (Snapshot::default(), Counter::default());
        snapshot.set_every(Some(Duration::from_secs(3600)));
        assert_eq!(seen(&mut snapshot, &mut source)?, 1);
        snapshot.renew(["map"].into_iter(), &mut source)?;
        assert_eq!(seen(&mut snapshot, &mut source)?, 1);
        snapshot.taken = Instant::now().checked_sub(Duration::from_secs(3601));
        snapshot.renew(["map"].into_iter(), &mut source)?;
        assert_eq!(seen(&mut snapshot, &mut source)?, 2);
        // Not again before the next period is over.
        snapshot.renew(["map"].into_iter(), &mut source)?;
        assert_eq!(seen(&mut snapshot, &mut source)?, 2);
        snapshot.forget("map");
        assert_eq!(seen(&mut snapshot, &mut source)?, 3);
        Ok(())
    }
}
