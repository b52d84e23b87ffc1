//! Finds types by name.
//!
//! A script names a handful of the kernel's 120,000 types, and a hash table of all of
//! them costs more than such a script's whole compilation. So the first lookups in a
//! large BTF search the string section for the name's bytes, and then the types for
//! that place; a name that isn't there costs the first part only. Only a caller that
//! keeps asking gets a table. Small BTF, as modules have, gets one at once: there it is
//! cheaper than searching the base's strings, where its names may be.

use super::{Btf, BtfKind};
use memchr::memmem;
use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use std::hash::Hasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Searches before a table is made: about as many as it costs.
const SEARCHES: u32 = 24;
/// Fewer types than this get a table at once.
const SMALL: usize = 8192;

/// What has been learnt about names so far.
#[derive(Default)]
pub(super) struct Names {
    searches: AtomicU32,
    table: OnceLock<Table>,
}

/// Own types by the hash of their names, in chains of rising ids.
struct Table {
    /// By the low bits of the hash: position of the first type, plus one; 0 is none.
    heads: Vec<u32>,
    /// By position: the next one.
    next: Vec<u32>,
}

fn hash(name: &[u8]) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(name);
    let hash = hasher.finish();
    // The low bits choose the chain, and the high ones are the better mixed.
    (hash ^ hash >> 32) as usize
}

impl Table {
    fn of(btf: &Btf) -> Table {
        let count = btf.types.len();
        let mut heads = vec![0; (2 * count).next_power_of_two()];
        let mut next = vec![0; count];
        let mask = heads.len() - 1;
        // Backwards, so that each chain begins with the lowest id.
        for (position, at) in btf.types.iter().enumerate().rev() {
            let name = btf.word(*at as usize);
            if name != 0 {
                let head = &mut heads[hash(btf.string_bytes(name)) & mask];
                next[position] = std::mem::replace(head, position as u32 + 1);
            }
        }
        Table { heads, next }
    }

    fn chain(&self, name: &[u8]) -> impl Iterator<Item = usize> + use<'_> {
        let mut link = self.heads[hash(name) & (self.heads.len() - 1)];
        std::iter::from_fn(move || {
            let position = (link as usize).checked_sub(1)?;
            link = self.next[position];
            Some(position)
        })
    }
}

impl Btf {
    /// The first type of this name for which `wanted` holds: own types before the base's.
    pub fn find(&self, name: &str, wanted: impl Fn(BtfKind) -> bool + Copy) -> Option<u32> {
        match self.named(name, wanted).next() {
            Some(id) => Some(id),
            None => self.base.as_ref()?.find(name, wanted),
        }
    }

    /// The own types of this name for which `wanted` holds, by rising ids.
    pub fn named<'a>(
        &'a self,
        name: &'a str,
        wanted: impl Fn(BtfKind) -> bool + 'a,
    ) -> Box<dyn Iterator<Item = u32> + 'a> {
        if name.is_empty() || name.contains('\0') {
            return Box::new(std::iter::empty());
        }
        let fits = move |position: &usize| wanted(self.kind_at(self.types[*position] as usize));
        let id = |position: usize| self.first + position as u32;
        let table = match self.names.table.get() {
            None if self.types.len() >= SMALL
                && self.names.searches.fetch_add(1, Ordering::Relaxed) < SEARCHES =>
            {
                None
            }
            _ => Some(self.names.table.get_or_init(|| Table::of(self))),
        };
        let Some(table) = table else {
            return Box::new(self.search(name).filter(fits).map(id));
        };
        let chain = table.chain(name.as_bytes());
        Box::new(chain.filter(|p| self.name_at(*p) == name.as_bytes()).filter(fits).map(id))
    }

    /// Which of these own types aren't the only ones of their name and kind.
    pub fn repeated(&self, ids: &[u32]) -> Vec<u32> {
        let place = |id: u32| self.types.get(id.checked_sub(self.first)? as usize).copied();
        let named: Vec<(u32, u32)> =
            ids.iter().filter_map(|id| Some((self.word(place(*id)? as usize), *id))).collect();
        let names: FxHashSet<u32> = named.iter().map(|(name, _)| *name).collect();
        let mut counts: FxHashMap<(u32, BtfKind), u32> = FxHashMap::default();
        for at in &self.types {
            let name = self.word(*at as usize);
            if names.contains(&name) {
                *counts.entry((name, self.kind_at(*at as usize))).or_default() += 1;
            }
        }
        let several = |(name, id): &&(u32, u32)| counts[&(*name, self.kind(*id))] > 1;
        named.iter().filter(several).map(|(_, id)| *id).collect()
    }

    fn name_at(&self, position: usize) -> &[u8] {
        self.string_bytes(self.word(self.types[position] as usize))
    }

    fn search(&self, name: &str) -> impl Iterator<Item = usize> {
        // Split BTF may use its base's strings.
        let places = [self.place_of(name), self.base.as_ref().and_then(|b| b.place_of(name))];
        let known = places != [None, None];
        let named = move |at: u32| {
            let name = self.word(at as usize);
            name != 0 && (Some(name) == places[0] || Some(name) == places[1])
        };
        let all = self.types.iter().enumerate().take_while(move |_| known);
        all.filter(move |(_, at)| named(**at)).map(|(position, _)| position)
    }

    /// Where a string is in the string section.
    fn place_of(&self, name: &str) -> Option<u32> {
        let bytes = &self.data[self.strings.clone()];
        let whole = [b"\0", name.as_bytes(), b"\0"].concat();
        if bytes.starts_with(&whole[1..]) {
            return Some(self.base_strings);
        }
        let at = memmem::find(bytes, &whole)? as u32 + 1;
        Some(self.base_strings + at)
    }
}
