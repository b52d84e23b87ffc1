//! Hide sets: which macros a token has come out of.
//!
//! In: a set and a macro, or two sets. Out: a set. Sets are numbers into a table where each
//! is kept once, so that a token carries four bytes. This is Prosser's algorithm, which C's
//! committee wrote its words after: it makes expansion end.

use rustc_hash::FxHashMap;
use std::rc::Rc;

/// A set; the default one is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hide(u32);

/// The number of a macro's name.
pub type NameId = u32;

/// All sets that there have been.
#[derive(Debug)]
pub struct HideSets {
    sets: Vec<Rc<[NameId]>>,
    ids: FxHashMap<Rc<[NameId]>, Hide>,
    added: FxHashMap<(Hide, NameId), Hide>,
}

impl Default for HideSets {
    fn default() -> Self {
        let empty: Rc<[NameId]> = Rc::from([]);
        HideSets {
            sets: vec![empty.clone()],
            ids: FxHashMap::from_iter([(empty, Hide(0))]),
            added: FxHashMap::default(),
        }
    }
}

impl HideSets {
    /// Whether a macro is in a set.
    pub fn contains(&self, set: Hide, name: NameId) -> bool {
        self.sets[set.0 as usize].binary_search(&name).is_ok()
    }

    fn intern(&mut self, names: Vec<NameId>) -> Hide {
        let names: Rc<[NameId]> = Rc::from(names);
        if let Some(id) = self.ids.get(&names) {
            return *id;
        }
        let id = Hide(self.sets.len() as u32);
        self.sets.push(names.clone());
        self.ids.insert(names, id);
        id
    }

    /// A set and one more macro.
    pub fn with(&mut self, set: Hide, name: NameId) -> Hide {
        if let Some(done) = self.added.get(&(set, name)) {
            return *done;
        }
        let mut names = self.sets[set.0 as usize].to_vec();
        if let Err(at) = names.binary_search(&name) {
            names.insert(at, name);
        }
        let done = self.intern(names);
        self.added.insert((set, name), done);
        done
    }

    /// What is in either.
    pub fn union(&mut self, a: Hide, b: Hide) -> Hide {
        if a == b || b == Hide(0) {
            return a;
        }
        let names = self.sets[b.0 as usize].clone();
        names.iter().fold(a, |set, name| self.with(set, *name))
    }

    /// What is in both.
    pub fn both(&mut self, a: Hide, b: Hide) -> Hide {
        if a == b {
            return a;
        }
        let of_b = self.sets[b.0 as usize].clone();
        let of_a = self.sets[a.0 as usize].clone();
        let names = of_a.iter().copied().filter(|n| of_b.binary_search(n).is_ok()).collect();
        self.intern(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_kept_once() {
        let mut sets = HideSets::default();
        let none = Hide::default();
        let a = sets.with(none, 7);
        let ab = sets.with(a, 3);
        let b = sets.with(none, 3);
        assert_eq!(sets.with(b, 7), ab);
        assert_eq!(sets.union(a, b), ab);
        assert_eq!(sets.both(ab, b), b);
        assert_eq!(sets.both(a, b), none);
        assert!(sets.contains(ab, 3) && !sets.contains(a, 3));
    }
}
