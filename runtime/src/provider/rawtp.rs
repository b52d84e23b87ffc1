//! `rawtp`: raw tracepoints, by group: what `sdt` shows, under the name that DTrace for Linux has for it.
//!
//! In: tracefs and BTF, by way of [`Events`]. Out: `rawtp:GROUP::EVENT`, whose arguments are
//! those of the tracepoint's prototype.

use super::Provider;
use super::event::Events;
use super::stability::Promise;
use crate::kernel::LiveKernel;
use crate::probe::ProbeName;
use strand_compiler::kernel::{Probe, ProbeError, ProbePattern};

/// The provider.
pub struct Rawtp;

const EVENTS: Events = Events { provider: "rawtp", second: true };

impl Provider for Rawtp {
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
