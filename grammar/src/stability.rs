//! Stability attributes: how far a script may rely on a name.
//!
//! In: `Evolving/Evolving/Common`, or what a provider promises. Out: attributes that can be
//! compared and combined: what is made of several things is as stable as the least stable
//! of them.

use std::fmt;
use std::str::FromStr;

/// How stable a name or a meaning is; the least stable first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stability {
    /// Of the tracer itself.
    Internal,
    /// An implementation's own.
    Private,
    /// Still there, and not for long.
    Obsolete,
    /// In the hands of others.
    External,
    /// May change at any time.
    Unstable,
    /// Changes only with a new release, and with a word about it.
    Evolving,
    /// Stays.
    Stable,
    /// Stays, by a standard.
    Standard,
}

/// On what it depends; the narrowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nobody knows.
    Unknown,
    /// The model of the processor.
    Cpu,
    /// The model of the machine.
    Platform,
    /// A group of machines.
    Group,
    /// The architecture.
    Isa,
    /// Nothing.
    Common,
}

/// Name and meaning, and on what they depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attributes {
    /// Of the name.
    pub name: Stability,
    /// Of what it means.
    pub data: Stability,
    /// On what both depend.
    pub class: Class,
}

impl Attributes {
    /// Of what D itself defines, and of what a script defines for itself.
    pub const STABLE: Attributes = Attributes::of(Stability::Stable, Class::Common);
    /// Of what the kernel happens to have.
    pub const HIDDEN: Attributes = Attributes::of(Stability::Private, Class::Unknown);

    /// Name and meaning alike.
    pub const fn of(stability: Stability, class: Class) -> Attributes {
        Attributes { name: stability, data: stability, class }
    }

    /// Of what is made of both.
    pub fn least(self, other: Attributes) -> Attributes {
        Attributes {
            name: self.name.min(other.name),
            data: self.data.min(other.data),
            class: self.class.min(other.class),
        }
    }

    /// Whether it may be used where this is the least that will do.
    pub fn suffices(self, least: Attributes) -> bool {
        self.least(least) == least
    }
}

impl Default for Attributes {
    /// Nothing unstable is known of it.
    fn default() -> Self {
        Attributes::STABLE
    }
}

const STABILITIES: [(Stability, &str); 8] = [
    (Stability::Internal, "Internal"),
    (Stability::Private, "Private"),
    (Stability::Obsolete, "Obsolete"),
    (Stability::External, "External"),
    (Stability::Unstable, "Unstable"),
    (Stability::Evolving, "Evolving"),
    (Stability::Stable, "Stable"),
    (Stability::Standard, "Standard"),
];

const CLASSES: [(Class, &str); 6] = [
    (Class::Unknown, "Unknown"),
    (Class::Cpu, "CPU"),
    (Class::Platform, "Platform"),
    (Class::Group, "Group"),
    (Class::Isa, "ISA"),
    (Class::Common, "Common"),
];

fn named<T: Copy>(table: &[(T, &str)], word: &str) -> Option<T> {
    table.iter().find(|(_, name)| name.eq_ignore_ascii_case(word)).map(|(value, _)| *value)
}

fn name_of<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> &'static str {
    table.iter().find(|(v, _)| v == value).map_or("", |(_, name)| name)
}

/// A text that isn't `Name/Data/Class`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAttributes;

impl FromStr for Attributes {
    type Err = NoAttributes;

    fn from_str(text: &str) -> Result<Attributes, NoAttributes> {
        let [name, data, class] = text.split('/').collect::<Vec<_>>()[..] else {
            return Err(NoAttributes);
        };
        let stability = |word| named(&STABILITIES, word).ok_or(NoAttributes);
        Ok(Attributes {
            name: stability(name)?,
            data: stability(data)?,
            class: named(&CLASSES, class).ok_or(NoAttributes)?,
        })
    }
}

impl fmt::Display for Stability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&STABILITIES, self))
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&CLASSES, self))
    }
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.name, self.data, self.class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_and_shown() {
        for text in ["Private/Evolving/ISA", "Stable/Stable/Common", "Internal/Obsolete/CPU"] {
            assert_eq!(text.parse::<Attributes>().map(|a| a.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "Stable", "Stable/Stable", "Stable/Stable/Common/", "Stable/Odd/Common"] {
            assert_eq!(text.parse::<Attributes>(), Err(NoAttributes), "{text}");
        }
    }

    #[test]
    fn the_least_of_each_part_counts() {
        let a = Attributes { data: Stability::Private, ..Attributes::STABLE };
        let b = Attributes::of(Stability::Evolving, Class::Isa);
        assert_eq!(a.least(b).to_string(), "Evolving/Private/ISA");
        assert!(Attributes::STABLE.suffices(b));
        assert!(!a.suffices(b));
        assert!(!b.suffices(a));
    }
}
