//! `io`: block I/O that starts and is done, whoever asked for it.
//!
//! In: tracepoints of the block layer. Out: `io:vmlinux::{start,done}`, whose arguments are
//! translated from the `struct bio *` that each of the events leads to. Decides how to get
//! there from each event, and which firings are no I/O.

use super::event::{attach, params};
use super::stability::Promise;
use super::{Provider, probe};
use crate::kernel::LiveKernel;
use crate::probe::ProbeName;
use strand_compiler::kernel::{ArgType, Probe, ProbeArg, ProbeError, ProbePattern, Site};

/// The provider.
pub struct Io;

/// Id of the first probe.
const FIRST: u32 = 100;

/// An event behind a probe.
struct Source {
    event: &'static str,
    bio: Bio,
}

/// Where an event has its bio.
enum Bio {
    /// The last argument: older kernels have the queue before it.
    Last,
    /// The first argument is a request with a list of bios, which is empty if it has no
    /// data (a flush): that is no I/O.
    OfRequest,
}

/// Bio-based devices complete bios, request-based ones requests.
const PROBES: [(&str, &[Source]); 2] = [
    ("start", &[Source { event: "block_bio_queue", bio: Bio::Last }]),
    (
        "done",
        &[
            Source { event: "block_bio_complete", bio: Bio::Last },
            Source { event: "block_rq_complete", bio: Bio::OfRequest },
        ],
    ),
];

const ARGS: [&str; 3] = ["bufinfo_t *", "devinfo_t *", "fileinfo_t *"];

impl Provider for Io {
    fn name(&self) -> &'static str {
        "io"
    }

    fn promise(&self) -> Promise {
        Promise::TRANSLATED
    }

    fn names(&self, kernel: &LiveKernel, _: &ProbePattern) -> Result<Vec<ProbeName>, ProbeError> {
        let exists =
            |sources: &[Source]| sources.iter().any(|s| kernel.tracepoint(s.event).is_some());
        Ok(PROBES
            .iter()
            .enumerate()
            .filter(|(_, (_, sources))| exists(sources))
            .map(|(i, (name, _))| ProbeName {
                id: FIRST + i as u32,
                provider: self.name(),
                module: "vmlinux".to_owned(),
                function: String::new(),
                name: (*name).to_owned(),
                key: i as u64,
            })
            .collect())
    }

    fn describe(&self, kernel: &LiveKernel, name: &ProbeName) -> Result<Probe, ProbeError> {
        let (_, sources) = PROBES[name.key as usize];
        let sites = sources.iter().filter_map(|source| site(kernel, source)).collect();
        let args = ARGS.map(|translated| ProbeArg {
            native: 0,
            ty: ArgType::D { text: "struct bio *".to_owned(), userland: false },
            translated: Some(translated.to_owned()),
        });
        Ok(Probe { args: args.to_vec(), sites, ..probe(name) })
    }
}

fn site(kernel: &LiveKernel, source: &Source) -> Option<Site> {
    let (module, ty) = kernel.tracepoint(source.event)?;
    let count = params(&*kernel.types_of(module.as_deref())?, ty).len();
    let (bio, when) = match source.bio {
        Bio::Last => (format!("arg{}", count.saturating_sub(1)), None),
        Bio::OfRequest => {
            let bio = "((struct request *)arg0)->bio";
            (bio.to_owned(), Some(format!("{bio} != 0")))
        }
    };
    let args = if bio == "arg0" { Vec::new() } else { vec![bio] };
    let attach = attach(kernel, source.event.to_owned(), module, count as u8);
    Some(Site { attach, args, when })
}
