//! Providers: who knows which probes there are, what they pass and where they attach.
//!
//! In: a pattern whose provider field has already matched. Out: names, and for a name its
//! arguments and sites. Adding a provider is one file and one line in [`PROVIDERS`].

mod blk;
mod cpc;
mod derived;
mod dtrace;
mod event;
mod fbt;
mod fs;
mod function;
mod io;
mod ip;
mod lockstat;
pub mod pid;
mod proc;
pub mod profile;
mod rawfbt;
mod rawtp;
mod sched;
mod scsi;
mod sdt;
pub mod stability;
mod syscall;
mod sysinfo;
mod tcp;
mod udp;
mod uprobe;
pub mod usdt;
mod vminfo;

use crate::kernel::LiveKernel;
use crate::probe::ProbeName;
use stability::Promise;
use strand_compiler::kernel::{Probe, ProbeArg, ProbeError, ProbePattern, glob_match};

/// A family of probes.
pub trait Provider: Sync {
    /// As in the first field of a description.
    fn name(&self) -> &'static str;

    /// Whether a description with this provider field can be about its probes.
    fn claims(&self, field: &str) -> bool {
        glob_match(field, self.name())
    }

    /// Whether the provider of this name, which a probe has, is this one.
    fn owns(&self, name: &str) -> bool {
        name == self.name()
    }

    /// Whether a probe that [`Provider::names`] has returned matches.
    fn matches(&self, name: &ProbeName, pattern: &ProbePattern) -> bool {
        name.matches(pattern)
    }

    /// How far scripts may rely on it.
    fn promise(&self) -> Promise;

    /// Names of the probes that match the pattern. It may return others too, which the caller
    /// drops; but for exact fields it must not look at more of the kernel than it needs.
    fn names(
        &self,
        kernel: &LiveKernel,
        pattern: &ProbePattern,
    ) -> Result<Vec<ProbeName>, ProbeError>;

    /// Why a description of this provider's matches nothing, if that is known better than by
    /// near names.
    fn why_none(&self, _kernel: &LiveKernel, _pattern: &ProbePattern) -> Option<ProbeError> {
        None
    }

    /// Sites of a probe that [`Provider::names`] has returned, and its arguments unless
    /// [`Provider::args`] tells them.
    fn describe(&self, kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError>;

    /// Arguments that take longer to find out than all else about a probe.
    fn args(&self, _kernel: &LiveKernel, _probe: &Probe) -> Vec<ProbeArg> {
        Vec::new()
    }
}

/// All of them, in the order of their ids.
pub static PROVIDERS: [&dyn Provider; 23] = [
    &dtrace::Dtrace,
    &profile::Profile,
    &cpc::Cpc,
    &io::IO,
    &blk::BLK,
    &scsi::SCSI,
    &fs::FS,
    &proc::PROC,
    &sched::SCHED,
    &vminfo::VMINFO,
    &sysinfo::SYSINFO,
    &ip::IP,
    &tcp::TCP,
    &udp::UDP,
    &lockstat::LOCKSTAT,
    &syscall::Syscall,
    &sdt::Sdt,
    &rawtp::Rawtp,
    &fbt::Fbt,
    &rawfbt::Rawfbt,
    &pid::Pid,
    &uprobe::Uprobe,
    // The last: its providers may have any name.
    &usdt::Usdt,
];

/// A probe without arguments or sites yet.
fn probe(name: &ProbeName) -> Probe {
    Probe {
        id: name.id,
        provider: name.provider.to_owned(),
        module: name.module.clone(),
        function: name.function.clone(),
        name: name.name.clone(),
        stability: crate::probe::provider(name.provider).promise().0,
        ..Probe::default()
    }
}

/// Why a provider has nothing to offer.
fn unavailable(message: impl Into<String>, hint: Option<&str>) -> ProbeError {
    ProbeError { code: "D_PDESC_ZERO", message: message.into(), hint: hint.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::derived::Derived;
    use super::*;

    /// What is made of other events has ids of its own, below those of system calls.
    #[test]
    fn ids_are_apart() {
        let all: [&Derived; 12] = [
            &io::IO,
            &blk::BLK,
            &scsi::SCSI,
            &fs::FS,
            &proc::PROC,
            &sched::SCHED,
            &vminfo::VMINFO,
            &sysinfo::SYSINFO,
            &ip::IP,
            &tcp::TCP,
            &udp::UDP,
            &lockstat::LOCKSTAT,
        ];
        let mut seen = std::collections::BTreeMap::new();
        for provider in all {
            for (i, entry) in provider.probes.iter().enumerate() {
                let id = provider.first + i as u32;
                assert!((100..600).contains(&id), "{}:::{}", provider.name, entry.name);
                let other = seen.insert(id, (provider.name, entry.name));
                assert_eq!(other, None, "{}:::{}", provider.name, entry.name);
            }
        }
    }
}
