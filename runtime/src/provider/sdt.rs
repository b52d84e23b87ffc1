//! `sdt`: the kernel's static probes, which are its tracepoints, by group.
//!
//! In: tracefs and BTF, by way of [`Events`]. Out: `sdt:GROUP::EVENT`, whose arguments are
//! those of the tracepoint's prototype.

use super::Provider;
use super::event::Events;
use super::stability::Promise;
use crate::kernel::LiveKernel;
use crate::probe::ProbeName;
use strand_compiler::kernel::{Probe, ProbeError, ProbePattern};

/// The provider.
pub struct Sdt;

const EVENTS: Events = Events { provider: "sdt", second: false };

impl Provider for Sdt {
    fn name(&self) -> &'static str {
        EVENTS.provider
    }

    fn promise(&self) -> Promise {
        Promise::EVENTS
    }

    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError> {
        Ok(EVENTS.names(kernel, pattern))
    }

    fn describe(&self, kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        Ok(EVENTS.describe(kernel, name))
    }
}
