//! User programs: processes, the files that they run, and what in these can be traced.
//!
//! In: process ids and paths. Out: functions and markers with their places in files. Files
//! and processes are looked at once; what was found is kept for as long as a script is
//! compiled. How probes are made of them is the providers' knowledge.

pub mod argument;
pub mod binary;
pub mod instruction;
pub mod marker;
pub mod process;

use binary::{Binary, BinaryError};
use process::{Process, ProcessProblem};
use rustc_hash::FxHashMap;
use std::sync::Arc;
use strand_compiler::kernel::{ProbeArg, Site};

/// What a probe is known by: provider, file, function, name.
pub type ProbeKey = [String; 4];

/// What is known of user programs so far.
#[derive(Debug, Default)]
pub struct Users {
    binaries: FxHashMap<String, Result<Arc<Binary>, BinaryError>>,
    /// Providers and names of the markers of files.
    markers: FxHashMap<String, Vec<(String, String)>>,
    processes: FxHashMap<u32, Result<Arc<Process>, ProcessProblem>>,
    probes: Vec<UserProbe>,
    numbers: FxHashMap<ProbeKey, usize>,
    providers: Vec<&'static str>,
}

/// A probe in a user program.
#[derive(Clone, Debug, Default)]
pub struct UserProbe {
    /// Types of `args[]`.
    pub args: Vec<ProbeArg>,
    /// Its places.
    pub sites: Vec<Site>,
}

impl Users {
    /// A file; `path` is as we can open it.
    pub fn binary(&mut self, path: &str) -> Result<Arc<Binary>, BinaryError> {
        if let Some(known) = self.binaries.get(path) {
            return known.clone();
        }
        let read = Binary::read(path).map(Arc::new);
        self.binaries.insert(path.to_owned(), read.clone());
        read
    }

    /// A file, if it has a marker whose provider and name are wanted. Of others, as nearly
    /// all are, next to nothing is read.
    pub fn marked(
        &mut self,
        path: &str,
        wanted: impl Fn(&str, &str) -> bool,
    ) -> Option<Arc<Binary>> {
        if !self.markers.contains_key(path) {
            self.markers.insert(path.to_owned(), marker::names(path));
        }
        let known = self.markers.get(path)?;
        let found = known.iter().any(|(provider, name)| wanted(provider, name));
        if found { self.binary(path).ok() } else { None }
    }

    /// A process, as it is when it is first asked for.
    pub fn process(&mut self, pid: u32) -> Result<Arc<Process>, ProcessProblem> {
        let read = || Process::read(pid).map(Arc::new);
        self.processes.entry(pid).or_insert_with(read).clone()
    }

    /// Adds to a probe, which is made by that if it is new; its number, which stays.
    pub fn add(&mut self, of: ProbeKey, change: impl FnOnce(&mut UserProbe)) -> usize {
        let number = match self.numbers.get(&of) {
            Some(number) => *number,
            None => {
                self.probes.push(UserProbe::default());
                self.numbers.insert(of, self.probes.len() - 1);
                self.probes.len() - 1
            }
        };
        change(&mut self.probes[number]);
        number
    }

    /// The probe of this number.
    pub fn probe(&self, number: u64) -> Option<&UserProbe> {
        self.probes.get(usize::try_from(number).ok()?)
    }

    /// A provider's name, which has a process's id in it. There are as many as a script
    /// names, and each is kept once, for good.
    pub fn provider(&mut self, name: &str) -> &'static str {
        if let Some(known) = self.providers.iter().find(|p| **p == name) {
            return known;
        }
        let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
        self.providers.push(kept);
        kept
    }
}
