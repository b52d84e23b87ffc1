//! How far scripts may rely on a provider: stability attributes.
//!
//! In: what a provider says of its fields and arguments. Out: the attributes of one probe,
//! which are those of the least stable field that its description has.

use crate::probe::ProbeName;

/// How stable a name or a meaning is; the least stable first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stability {
    /// An implementation's own.
    Private,
    /// May change at any time.
    Unstable,
    /// Changes only with a new release, and with a word about it.
    Evolving,
    /// Stays.
    Stable,
}

/// On what it depends; the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nobody knows.
    Unknown,
    /// The architecture.
    Isa,
    /// Nothing.
    Common,
}

/// Name and meaning, and on what they depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Of names and of what they mean: no provider tells them apart.
    pub stability: Stability,
    /// On what both depend.
    pub class: Class,
}

impl Attributes {
    const fn of(stability: Stability, class: Class) -> Attributes {
        Attributes { stability, class }
    }

    fn least(self, other: Attributes) -> Attributes {
        Attributes {
            stability: self.stability.min(other.stability),
            class: self.class.min(other.class),
        }
    }
}

/// What a provider says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    provider: Attributes,
    module: Attributes,
    function: Attributes,
    name: Attributes,
    /// Of its arguments.
    pub args: Attributes,
}

const HIDDEN: Attributes = Attributes::of(Stability::Private, Class::Unknown);
const HIDDEN_ISA: Attributes = Attributes::of(Stability::Private, Class::Isa);
const EVOLVING: Attributes = Attributes::of(Stability::Evolving, Class::Common);
const EVOLVING_ISA: Attributes = Attributes::of(Stability::Evolving, Class::Isa);
const STABLE: Attributes = Attributes::of(Stability::Stable, Class::Common);

impl Promise {
    const fn new(
        whole: Attributes,
        function: Attributes,
        name: Attributes,
        args: Attributes,
    ) -> Promise {
        Promise { provider: whole, module: HIDDEN, function, name, args }
    }

    /// Of `dtrace`.
    pub const DTRACE: Promise = Promise::new(STABLE, HIDDEN, STABLE, STABLE);
    /// Of `profile`.
    pub const PROFILE: Promise = Promise {
        module: Attributes::of(Stability::Unstable, Class::Unknown),
        ..Promise::new(EVOLVING, HIDDEN, EVOLVING, EVOLVING)
    };
    /// Of `syscall` and `fbt`, which show what the kernel happens to have under firm names.
    pub const KERNEL: Promise = Promise::new(EVOLVING, HIDDEN_ISA, EVOLVING, HIDDEN_ISA);
    /// Of the kernel's own tracepoints.
    pub const EVENTS: Promise = Promise::new(EVOLVING_ISA, HIDDEN, HIDDEN_ISA, HIDDEN_ISA);
    /// Of providers whose arguments are translated.
    pub const TRANSLATED: Promise = Promise::new(EVOLVING_ISA, HIDDEN, EVOLVING_ISA, EVOLVING_ISA);

    /// Of a probe's description. A field that it doesn't have takes nothing away.
    pub fn of(&self, name: &ProbeName) -> Attributes {
        let mut all = self.provider.least(self.name);
        if !name.module.is_empty() {
            all = all.least(self.module);
        }
        if !name.function.is_empty() {
            all = all.least(self.function);
        }
        all
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Class::Unknown => "Unknown",
            Class::Isa => "ISA",
            Class::Common => "Common",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_take_nothing_away() {
        let mut name = ProbeName {
            id: 1,
            provider: "dtrace",
            module: String::new(),
            function: String::new(),
            name: "BEGIN".to_owned(),
            key: 0,
        };
        assert_eq!(Promise::DTRACE.of(&name), STABLE);
        name.module = "vmlinux".to_owned();
        assert_eq!(Promise::TRANSLATED.of(&name), HIDDEN);
    }
}
