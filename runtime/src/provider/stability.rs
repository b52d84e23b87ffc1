//! How far scripts may rely on a provider: stability attributes.
//!
//! In: what the makers of a provider promise. Out: attributes of each field of its probes'
//! descriptions, and of their arguments.

use strand_compiler::kernel::ProbeStability;
use strand_grammar::stability::{Attributes, Class, Stability};

/// What a provider says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Promise(pub ProbeStability);

const HIDDEN: Attributes = Attributes::HIDDEN;
const HIDDEN_ISA: Attributes = Attributes::of(Stability::Private, Class::Isa);
const EVOLVING: Attributes = Attributes::of(Stability::Evolving, Class::Common);
const EVOLVING_ISA: Attributes = Attributes::of(Stability::Evolving, Class::Isa);
const STABLE: Attributes = Attributes::STABLE;

impl Promise {
    const fn new(
        whole: Attributes,
        function: Attributes,
        name: Attributes,
        args: Attributes,
    ) -> Promise {
        Promise(ProbeStability { provider: whole, module: HIDDEN, function, name, args })
    }

    /// Of `dtrace`.
    pub const DTRACE: Promise = Promise::new(STABLE, HIDDEN, STABLE, STABLE);
    /// Of `profile`.
    pub const PROFILE: Promise = Promise(ProbeStability {
        module: Attributes::of(Stability::Unstable, Class::Unknown),
        ..Promise::new(EVOLVING, HIDDEN, EVOLVING, EVOLVING).0
    });
    /// Of `cpc`: the same names everywhere, and what they count is the processor's.
    pub const COUNTERS: Promise = Promise(ProbeStability {
        module: Attributes::of(Stability::Unstable, Class::Unknown),
        ..Promise::new(EVOLVING, HIDDEN, EVOLVING, EVOLVING).0
    });
    /// Of `syscall` and `fbt`, which show what the kernel happens to have under firm names.
    pub const KERNEL: Promise = Promise::new(EVOLVING, HIDDEN_ISA, EVOLVING, HIDDEN_ISA);
    /// Of the kernel's own tracepoints.
    pub const EVENTS: Promise = Promise::new(EVOLVING_ISA, HIDDEN, HIDDEN_ISA, HIDDEN_ISA);
    /// Of what is found in user programs.
    pub const USER: Promise = Promise::new(EVOLVING_ISA, HIDDEN, EVOLVING_ISA, HIDDEN);
    /// Of providers whose probes stay, with arguments of the kernel's own types.
    pub const KERNEL_ARGS: Promise = Promise::new(EVOLVING_ISA, HIDDEN, EVOLVING_ISA, HIDDEN_ISA);
    /// Of providers whose arguments are translated.
    pub const TRANSLATED: Promise = Promise::new(EVOLVING_ISA, HIDDEN, EVOLVING_ISA, EVOLVING_ISA);
}

#[cfg(test)]
mod tests {
    use super::*;
    use strand_compiler::kernel::ProbePattern;

    #[test]
    fn fields_that_are_left_open_take_nothing_away() {
        let mut pattern = ProbePattern {
            provider: "io".to_owned(),
            name: "start".to_owned(),
            ..ProbePattern::default()
        };
        let of = |pattern: &ProbePattern| Promise::TRANSLATED.0.of(pattern).to_string();
        assert_eq!(of(&pattern), "Evolving/Evolving/ISA");
        pattern.function = "submit*".to_owned();
        assert_eq!(of(&pattern), "Evolving/Evolving/ISA");
        pattern.module = "vmlinux".to_owned();
        assert_eq!(of(&pattern), "Private/Private/Unknown");
        pattern.provider.clear();
        assert_eq!(of(&pattern), "Unstable/Unstable/Common");
    }
}
