//! `cpc`: `EVENT-MODE-COUNT` fires on every CPU each time that so many events were counted.
//!
//! In: a name. Out: a perf event. Events are those that the kernel itself counts (page
//! faults, context switches), those that perf has a name for on every processor (cycles,
//! misses of a cache), those that the kernel names for this one, and `rHEX`, which a
//! processor's manual says. Whether one can be counted here is found out by trying. A few
//! counts are listed; any other probe comes into being when it is named.

use super::profile::sampling;
use super::stability::Promise;
use super::{Provider, unavailable};
use crate::kernel::LiveKernel;
use crate::perf;
use crate::probe::{ProbeName, is_exact};
use crate::process::online_cpus;
use std::fs;
use std::io;
use std::path::Path;
use strand_compiler::kernel::{Attach, PerfEvent, Probe, ProbeError, ProbePattern};
use strand_grammar::suggest::nearest;

/// The provider.
pub struct Cpc;

/// Ids of listed probes begin here, those of others after [`LISTED`] of them.
const FIRST: u32 = 600;
const LISTED: u32 = 300;

/// In the list, an event stands with a count that nothing reaches too often.
const LIST_SUFFIX: &str = "-all-1000000000";

const HARDWARE: u32 = 0;
const SOFTWARE: u32 = 1;
const CACHE: u32 = 3;
const RAW: u32 = 4;

/// What the kernel counts, by its number.
const SOFTWARE_EVENTS: [(&str, u64); 14] = [
    ("cpu_clock", 0),
    ("task_clock", 1),
    ("page_faults", 2),
    ("faults", 2),
    ("context_switches", 3),
    ("cs", 3),
    ("cpu_migrations", 4),
    ("migrations", 4),
    ("minor_faults", 5),
    ("major_faults", 6),
    ("alignment_faults", 7),
    ("emulation_faults", 8),
    ("bpf_output", 10),
    ("cgroup_switches", 11),
];

/// What perf has a name for on every processor.
const HARDWARE_EVENTS: [(&str, u64); 15] = [
    ("cpu_cycles", 0),
    ("cycles", 0),
    ("instructions", 1),
    ("cache_references", 2),
    ("cache_misses", 3),
    ("branch_instructions", 4),
    ("branches", 4),
    ("branch_misses", 5),
    ("bus_cycles", 6),
    ("stalled_cycles_frontend", 7),
    ("idle_cycles_frontend", 7),
    ("stalled_cycles_backend", 8),
    ("idle_cycles_backend", 8),
    ("ref_cycles", 9),
    ("ref_cpu_cycles", 9),
];

/// Caches, and what is done with them, in the order of their numbers.
const CACHES: [&str; 7] = ["l1_dcache", "l1_icache", "llc", "dtlb", "itlb", "branch", "node"];
const ACCESSES: [(&str, &str); 3] =
    [("loads", "load_misses"), ("stores", "store_misses"), ("prefetches", "prefetch_misses")];

/// Units of processors' cores: their events are counted for whatever runs on a CPU.
const UNITS: &str = "/sys/bus/event_source/devices";
const CORES: [&str; 4] = ["cpu", "cpu_core", "cpu_atom", "armv8_pmuv3"];

/// An event that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    name: String,
    kind: u32,
    config: [u64; 3],
}

impl Event {
    fn new(name: impl Into<String>, kind: u32, config: u64) -> Event {
        Event { name: name.into(), kind, config: [config, 0, 0] }
    }

    /// The same while user code or the kernel runs.
    fn counted(&self, mode: Mode) -> PerfEvent {
        let (user, kernel) = (mode != Mode::Kernel, mode != Mode::User);
        PerfEvent { kind: self.kind, config: self.config, user, kernel }
    }
}

/// While what runs events count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    All,
    User,
    Kernel,
}

/// All events with a name, whether or not they can be counted here.
fn events() -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    all.extend(SOFTWARE_EVENTS.iter().map(|(name, n)| Event::new(*name, SOFTWARE, *n)));
    all.extend(HARDWARE_EVENTS.iter().map(|(name, n)| Event::new(*name, HARDWARE, *n)));
    // The kernel's own names of them, which DTrace goes by.
    all.extend(kernel_names("perf_count_sw_", SOFTWARE, &SOFTWARE_EVENTS));
    all.extend(kernel_names("perf_count_hw_", HARDWARE, &HARDWARE_EVENTS));
    for (cache, which) in CACHES.iter().zip(0..) {
        for ((done, missed), how) in ACCESSES.iter().zip(0..) {
            for (what, outcome) in [(done, 0), (missed, 1)] {
                let config = which | how << 8 | outcome << 16;
                all.push(Event::new(format!("{cache}_{what}"), CACHE, config));
            }
        }
    }
    for unit in fs::read_dir(UNITS).into_iter().flatten().flatten() {
        let name = unit.file_name();
        let name = name.to_string_lossy();
        if CORES.iter().any(|core| *name == **core || name.starts_with("armv8_pmuv3")) {
            for event in unit_events(&unit.path()) {
                if all.iter().all(|known| known.name != event.name) {
                    all.push(event);
                }
            }
        }
    }
    all
}

/// What `<linux/perf_event.h>` calls events, of which each has one name there.
fn kernel_names<'a>(
    prefix: &'a str,
    kind: u32,
    events: &'a [(&'a str, u64)],
) -> impl Iterator<Item = Event> + 'a {
    let first = |at: usize| events[..at].iter().all(|(_, n)| *n != events[at].1);
    let event =
        move |at: usize| Event::new(format!("{prefix}{}", events[at].0), kind, events[at].1);
    (0..events.len()).filter(move |at| first(*at)).map(event)
}

/// Events that the kernel names for a unit.
fn unit_events(unit: &Path) -> Vec<Event> {
    let number = fs::read_to_string(unit.join("type")).ok();
    let Some(kind) = number.and_then(|n| n.trim().parse().ok()) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in fs::read_dir(unit.join("events")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().to_lowercase().replace('-', "_");
        let Ok(terms) = fs::read_to_string(entry.path()) else { continue };
        let format = |term: &str| fs::read_to_string(unit.join("format").join(term)).ok();
        if let Some(config) = encode(terms.trim(), format) {
            found.push(Event { name, kind, config });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// `event=0x3c,umask=0x1`, given where each term's bits go (`config:0-7,32-35`).
fn encode(terms: &str, format: impl Fn(&str) -> Option<String>) -> Option<[u64; 3]> {
    let mut words = [0; 3];
    for term in terms.split(',') {
        let (name, value) = term.split_once('=').unwrap_or((term, "1"));
        let mut value = match value.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok()?,
            None => value.parse().ok()?,
        };
        let place = format(name)?;
        let (word, ranges) = place.trim().split_once(':')?;
        let word = ["config", "config1", "config2"].iter().position(|w| *w == word)?;
        for range in ranges.split(',') {
            let (from, to) = range.split_once('-').unwrap_or((range, range));
            let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
            let width = to.checked_sub(from).filter(|_| to < 64)? + 1;
            let mask = u64::MAX >> (64 - width);
            words[word] |= (value & mask) << from;
            value = value.checked_shr(width).unwrap_or(0);
        }
    }
    Some(words)
}

/// Why a name is no probe of this provider.
#[derive(Debug, PartialEq, Eq)]
enum NameError {
    /// It isn't `EVENT-MODE-COUNT`.
    Form,
    Mode(String),
    Count(String),
    Event(String),
}

/// Event, mode and count.
fn parse(name: &str) -> Result<(Event, Mode, u64), NameError> {
    let mut parts = name.rsplitn(3, '-');
    let (Some(count), Some(mode), Some(event)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NameError::Form);
    };
    let mode = match mode {
        "all" => Mode::All,
        "user" => Mode::User,
        "kernel" => Mode::Kernel,
        other => return Err(NameError::Mode(other.to_owned())),
    };
    let digits = count.bytes().all(|b| b.is_ascii_digit());
    // Counters count with a sign.
    let number = count.parse().ok().filter(|n| digits && *n > 0 && i64::try_from(*n).is_ok());
    let count = number.ok_or_else(|| NameError::Count(count.to_owned()))?;
    let raw = event.strip_prefix('r').and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let event = match raw {
        Some(config) => Event::new(event, RAW, config),
        None => events()
            .into_iter()
            .find(|known| known.name == event)
            .ok_or_else(|| NameError::Event(event.to_owned()))?,
    };
    Ok((event, mode, count))
}

/// Whether this machine can count it.
fn possible(event: &Event, mode: Mode) -> io::Result<()> {
    const NEVER: u64 = i64::MAX as u64;
    let cpu = online_cpus().first().copied().unwrap_or(0);
    perf::open(&event.counted(mode), NEVER, cpu).map(drop)
}

fn named(id: u32, name: String) -> ProbeName {
    ProbeName { id, provider: "cpc", module: String::new(), function: String::new(), name, key: 0 }
}

impl Provider for Cpc {
    fn name(&self) -> &'static str {
        "cpc"
    }

    fn promise(&self) -> Promise {
        Promise::COUNTERS
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        let wanted = &pattern.name;
        let others = |new| {
            let names = kernel.named(self.name(), new);
            names.into_iter().zip(FIRST + LISTED..).map(|(name, id)| named(id, name))
        };
        // Probes of this provider have neither module nor function.
        if is_exact(wanted) {
            let own = pattern.provider == self.name();
            if !pattern.module.is_empty() || !pattern.function.is_empty() {
                return Ok(Vec::new());
            }
            match parse(wanted) {
                Ok((event, mode, _)) => match possible(&event, mode) {
                    Ok(()) => return Ok(others(Some(wanted.as_str())).collect()),
                    Err(e) if own => return Err(refused(&event, &e)),
                    Err(_) => {}
                },
                Err(e) if own => return Err(explain(wanted, &e)),
                Err(_) => {}
            }
            return Ok(Vec::new());
        }
        let listed = events().into_iter().zip(FIRST..FIRST + LISTED);
        let mut names: Vec<ProbeName> = listed
            .filter(|(event, _)| possible(event, Mode::All).is_ok())
            .map(|(event, id)| named(id, event.name + LIST_SUFFIX))
            .collect();
        names.extend(others(None));
        Ok(names)
    }

    fn describe(&self, _: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        let (event, mode, period) = parse(&name.name).map_err(|e| explain(&name.name, &e))?;
        Ok(sampling(name, Attach::Sample { event: event.counted(mode), period }))
    }
}

/// The message for an event that can't be counted here.
fn refused(event: &Event, error: &io::Error) -> ProbeError {
    match error.raw_os_error() {
        Some(libc::EACCES | libc::EPERM) => unavailable(
            "perf events can't be counted without the right to",
            Some("run as root, or with CAP_PERFMON"),
        ),
        Some(libc::ENOENT | libc::EOPNOTSUPP | libc::ENODEV) if event.kind != SOFTWARE => {
            unavailable(
                format!("this machine can't count {}", event.name),
                Some(
                    "its processor, or the virtual machine it is, has no such counter; \
                     `strand list 'cpc:::'` shows what it has",
                ),
            )
        }
        _ => unavailable(format!("{} can't be counted: {error}", event.name), None),
    }
}

/// The message for a name that isn't one.
fn explain(name: &str, error: &NameError) -> ProbeError {
    match error {
        NameError::Form => unavailable(
            format!("cpc has no probe {name}"),
            Some("a probe of this provider is EVENT-MODE-COUNT, such as page_faults-all-100"),
        ),
        NameError::Mode(mode) => unavailable(
            format!("{mode} in {name} is no mode"),
            Some("the modes are all, user and kernel"),
        ),
        NameError::Count(count) => unavailable(
            format!("{count} in {name} is no count of events"),
            Some("a count is a number from 1"),
        ),
        NameError::Event(event) => {
            let all = events();
            let near = nearest(event, all.iter().map(|e| e.name.as_str()));
            let hint = match near {
                Some(near) => format!("did you mean {near}?"),
                None => "`strand list 'cpc:::'` shows what can be counted; rHEX is the event \
                         that the processor's manual has under that number"
                    .to_owned(),
            };
            unavailable(format!("there is no event {event}"), Some(&hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let read = |name: &str| parse(name).map(|(e, m, n)| (e.kind, e.config[0], m, n));
        assert_eq!(read("cpu_clock-all-1000"), Ok((SOFTWARE, 0, Mode::All, 1000)));
        assert_eq!(read("perf_count_sw_cpu_clock-all-9"), Ok((SOFTWARE, 0, Mode::All, 9)));
        assert_eq!(read("perf_count_hw_instructions-all-9"), Ok((HARDWARE, 1, Mode::All, 9)));
        assert_eq!(read("page_faults-user-1"), Ok((SOFTWARE, 2, Mode::User, 1)));
        assert_eq!(read("branches-kernel-7"), Ok((HARDWARE, 4, Mode::Kernel, 7)));
        assert_eq!(read("llc_load_misses-all-5"), Ok((CACHE, 2 | 1 << 16, Mode::All, 5)));
        assert_eq!(read("r1a8-user-5000"), Ok((RAW, 0x1a8, Mode::User, 5000)));
        for (name, error) in [
            ("cycles", NameError::Form),
            ("cycles-5", NameError::Form),
            ("cycles-some-5", NameError::Mode("some".into())),
            ("cycles-all-0", NameError::Count("0".into())),
            ("cycles-all-+5", NameError::Count("+5".into())),
            ("cycles-all-5x", NameError::Count("5x".into())),
            ("cycles-all-9223372036854775808", NameError::Count("9223372036854775808".into())),
            ("wheels-all-5", NameError::Event("wheels".into())),
        ] {
            assert_eq!(read(name), Err(error), "{name}");
        }
    }

    #[test]
    fn terms_are_put_where_their_bits_go() {
        let format = |term: &str| {
            let place = match term {
                "event" => "config:0-7,32-35",
                "umask" => "config:8-15\n",
                "edge" => "config:18",
                "ldlat" => "config1:0-15",
                _ => return None,
            };
            Some(place.to_owned())
        };
        assert_eq!(encode("event=0x3c", format), Some([0x3c, 0, 0]));
        assert_eq!(encode("event=0x5cd,umask=1,edge", format), Some([0x5_0004_01cd, 0, 0]));
        assert_eq!(encode("event=0xcd,ldlat=3", format), Some([0xcd, 3, 0]));
        assert_eq!(encode("event=1,colour=2", format), None);
        assert_eq!(encode("event=?", format), None);
    }

    #[test]
    fn ids_stay_within_their_range() {
        assert!(events().len() < LISTED as usize);
    }
}
