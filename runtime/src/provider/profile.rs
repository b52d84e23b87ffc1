//! `profile`: `profile-N` fires on every CPU, `tick-N` on one, at a rate or a period.
//!
//! In: a name. Out: its period. A few rates are listed; any other probe comes into being
//! when it is named, so globs find only the listed ones and those named before.

use super::stability::Promise;
use super::{Provider, probe};
use crate::kernel::LiveKernel;
use crate::probe::{ProbeName, is_exact};
use strand_compiler::kernel::{
    ArgType, Attach, PerfEvent, Probe, ProbeArg, ProbeError, ProbePattern, Site,
};

/// The provider.
pub struct Profile;

/// Rates of the probes that are listed.
const PROFILES: [u64; 7] = [97, 199, 499, 997, 1999, 4001, 4999];
const TICKS: [u64; 6] = [1, 10, 100, 500, 1000, 5000];

/// Id of the first probe.
const FIRST: u32 = 4;

/// The shortest period, in nanoseconds.
pub const MINIMUM: u64 = 200_000;

const SECOND: u64 = 1_000_000_000;

/// Units with their nanoseconds; rates have none.
const UNITS: [(&str, u64); 15] = [
    ("ns", 1),
    ("nsec", 1),
    ("us", 1000),
    ("usec", 1000),
    ("ms", 1_000_000),
    ("msec", 1_000_000),
    ("s", SECOND),
    ("sec", SECOND),
    ("m", 60 * SECOND),
    ("min", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("hour", 3600 * SECOND),
    ("d", 24 * 3600 * SECOND),
    ("day", 24 * 3600 * SECOND),
    ("hz", 0),
];

/// Why a name is no probe of this provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeriodError {
    /// It is neither `profile-N` nor `tick-N`.
    Form,
    /// The unit isn't one of [`UNITS`].
    Unit(String),
    /// The period is 0, longer than can be counted, or below [`MINIMUM`].
    Range,
}

/// The period in nanoseconds and whether it fires on one CPU only.
pub fn parse(name: &str) -> Result<(u64, bool), PeriodError> {
    let (count, tick) = match (name.strip_prefix("profile-"), name.strip_prefix("tick-")) {
        (Some(count), _) => (count, false),
        (_, Some(count)) => (count, true),
        _ => return Err(PeriodError::Form),
    };
    let digits = count.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = count.split_at(digits);
    if count.is_empty() {
        return Err(PeriodError::Form);
    }
    let count: u64 = count.parse().map_err(|_| PeriodError::Range)?;
    let unit = if unit.is_empty() { "hz" } else { unit };
    let (_, scale) = UNITS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .ok_or_else(|| PeriodError::Unit(unit.to_owned()))?;
    let period = match scale {
        0 => SECOND.checked_div(count),
        scale => count.checked_mul(*scale),
    };
    // Timers count with a sign.
    match period.filter(|p| i64::try_from(*p).is_ok() && *p >= MINIMUM) {
        Some(period) => Ok((period, tick)),
        None => Err(PeriodError::Range),
    }
}

impl Profile {
    fn named(&self, name: &str, id: u32) -> ProbeName {
        ProbeName {
            id,
            provider: "profile",
            module: String::new(),
            function: String::new(),
            name: name.to_owned(),
            key: 0,
        }
    }

    fn listed(&self) -> Vec<String> {
        let profiles = PROFILES.iter().map(|n| format!("profile-{n}"));
        profiles.chain(TICKS.iter().map(|n| format!("tick-{n}"))).collect()
    }
}

impl Provider for Profile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn promise(&self) -> Promise {
        Promise::PROFILE
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        let mut new = None;
        let mut names = self.listed();
        let wanted = &pattern.name;
        // Probes of this provider have neither module nor function.
        if is_exact(wanted) && pattern.module.is_empty() && pattern.function.is_empty() {
            match parse(wanted) {
                Ok(_) if !names.contains(wanted) => new = Some(wanted.as_str()),
                Err(e) if pattern.provider == self.name() || e != PeriodError::Form => {
                    return Err(explain(wanted, &e));
                }
                _ => {}
            }
        }
        names.extend(kernel.named(self.name(), new));
        let ids = FIRST..;
        Ok(names.iter().zip(ids).map(|(name, id)| self.named(name, id)).collect())
    }

    fn describe(&self, _: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        let (period, tick) = parse(&name.name).map_err(|e| explain(&name.name, &e))?;
        let attach = match tick {
            true => Attach::Tick { period },
            false => Attach::Sample { event: PerfEvent::CLOCK, period },
        };
        Ok(sampling(name, attach))
    }
}

/// A probe that fires wherever a CPU happens to be: its arguments are the program counters
/// in the kernel and in the process.
pub(super) fn sampling(name: &ProbeName, attach: Attach) -> Probe {
    let args = [0, 1].map(|native| ProbeArg {
        native,
        ty: ArgType::D { text: "uintptr_t".to_owned(), userland: false },
        translated: None,
    });
    Probe {
        args: Some(args.to_vec()),
        sites: vec![Site { attach, args: Vec::new(), when: None }],
        ..probe(name)
    }
}

/// The message for a name that isn't one.
fn explain(name: &str, error: &PeriodError) -> ProbeError {
    let (message, hint) = match error {
        PeriodError::Form => (
            format!("profile has no probe {name}"),
            "a probe of this provider is profile-N or tick-N with a rate or a period, such as \
             tick-1s or profile-997"
                .to_owned(),
        ),
        PeriodError::Unit(unit) => (
            format!("{unit} in {name} is no unit of time"),
            "the units are ns, us, ms, s, m, h, d and, if there is none, hz".to_owned(),
        ),
        PeriodError::Range => (
            format!("{name} has no period that a timer can keep"),
            "a period is at least 200us, a rate at most 5000hz".to_owned(),
        ),
    };
    ProbeError { code: "D_PDESC_ZERO", message, hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods() {
        for (name, expected) in [
            ("tick-1", Ok((SECOND, true))),
            ("tick-1s", Ok((SECOND, true))),
            ("tick-1sec", Ok((SECOND, true))),
            ("tick-10SEC", Ok((10 * SECOND, true))),
            ("tick-200us", Ok((200_000, true))),
            ("tick-200000nsec", Ok((200_000, true))),
            ("tick-3m", Ok((180 * SECOND, true))),
            ("tick-1hour", Ok((3600 * SECOND, true))),
            ("tick-2day", Ok((172_800 * SECOND, true))),
            ("profile-997", Ok((1_003_009, false))),
            ("profile-5000hz", Ok((200_000, false))),
            ("profile-5001", Err(PeriodError::Range)),
            ("tick-199us", Err(PeriodError::Range)),
            ("tick-0", Err(PeriodError::Range)),
            ("tick-99999999999999999999s", Err(PeriodError::Range)),
            ("tick-9999999999999d", Err(PeriodError::Range)),
            ("tick-1parsec", Err(PeriodError::Unit("parsec".into()))),
            ("tick-", Err(PeriodError::Form)),
            ("tick-s", Err(PeriodError::Form)),
            ("tock-1", Err(PeriodError::Form)),
        ] {
            assert_eq!(parse(name), expected, "{name}");
        }
    }

    #[test]
    fn named_probes_come_into_being() {
        let kernel = LiveKernel::new();
        let pattern = |provider: &str, name: &str| ProbePattern {
            provider: provider.into(),
            name: name.into(),
            ..ProbePattern::default()
        };
        let id = |p| {
            let names = Profile.names(&kernel, &p).unwrap_or_default();
            names.into_iter().find(|n| n.name == p.name).map(|n| n.id)
        };
        assert_eq!(id(pattern("profile", "profile-97")), Some(4));
        let first = id(pattern("", "tick-12345us"));
        assert_eq!(first, id(pattern("profile", "tick-12345us")));
        assert!(first.is_some_and(|id| id >= FIRST + 13));
        assert!(Profile.names(&kernel, &pattern("profile", "open")).is_err());
        assert!(Profile.names(&kernel, &pattern("", "open")).is_ok());
    }
}
