//! `dtrace`: BEGIN, END and ERROR, which the runtime and faulting clauses fire.
//!
//! In: nothing. Out: three probes. ERROR has five arguments: the enabled probe's id, the
//! action's index, the offset of the instruction, the fault and its value.

use super::stability::Promise;
use super::{Provider, probe};
use crate::kernel::LiveKernel;
use crate::probe::ProbeName;
use strand_compiler::kernel::{ArgType, Attach, Probe, ProbeArg, ProbeError, ProbePattern, Site};

/// The provider.
pub struct Dtrace;

const PROBES: [(&str, Attach); 3] =
    [("BEGIN", Attach::Begin), ("END", Attach::End), ("ERROR", Attach::Error)];

impl Provider for Dtrace {
    fn name(&self) -> &'static str {
        "dtrace"
    }

    fn promise(&self) -> Promise {
        Promise::DTRACE
    }

    fn names(&self, _: &LiveKernel, _: &ProbePattern) -> Result<Vec<ProbeName>, ProbeError> {
        let name = |(i, (name, _)): (usize, &(&str, Attach))| ProbeName {
            id: i as u32 + 1,
            provider: self.name(),
            module: String::new(),
            function: String::new(),
            name: (*name).to_owned(),
            key: i as u64,
        };
        Ok(PROBES.iter().enumerate().map(name).collect())
    }

    fn describe(&self, _: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        let attach = PROBES[name.key as usize].1.clone();
        let args = match attach {
            Attach::Error => [("int", 1), ("int", 2), ("int", 3), ("int", 4), ("uint64_t", 5)]
                .map(|(ty, native)| ProbeArg {
                    native,
                    ty: ArgType::D { text: ty.to_owned(), userland: false },
                    translated: None,
                })
                .to_vec(),
            _ => Vec::new(),
        };
        let sites = vec![Site { attach, args: Vec::new(), when: None }];
        Ok(Probe { args: Some(args), sites, ..probe(name) })
    }
}
