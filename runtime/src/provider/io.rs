//! `io`: block I/O that starts and is done, whoever asked for it, and who waits for it.
//!
//! Each of the events leads to a `struct bio *`, from which all arguments are translated.
//! Bio-based devices complete bios, request-based ones requests; a request without a bio
//! (a flush) is no I/O.

use super::derived::{Arg, Derived, Entry, Source, translated};
use super::stability::Promise;

const ARGS: [Arg; 3] = [
    translated(0, "struct bio *", "bufinfo_t *"),
    translated(0, "struct bio *", "devinfo_t *"),
    translated(0, "struct bio *", "fileinfo_t *"),
];

/// The provider.
pub static IO: Derived = Derived {
    name: "io",
    first: 100,
    promise: Promise::TRANSLATED,
    probes: &[
        Entry {
            name: "start",
            args: &ARGS,
            // Older kernels have the queue before the bio.
            alternatives: &[
                &[Source::tracepoint("block_bio_queue").with_params(1)],
                &[Source::tracepoint("block_bio_queue").with_params(2).args(&["arg1"])],
            ],
        },
        Entry {
            name: "done",
            args: &ARGS,
            alternatives: &[&[
                Source::tracepoint("block_rq_complete")
                    .args(&["((struct request *)arg0)->bio"])
                    .when("((struct request *)arg0)->bio != 0"),
                Source::tracepoint("block_bio_complete").args(&["arg1"]),
            ]],
        },
        Entry {
            name: "wait-start",
            args: &ARGS,
            alternatives: &[&[Source::function("submit_bio_wait")]],
        },
        Entry {
            name: "wait-done",
            args: &ARGS,
            alternatives: &[&[Source::function_return("submit_bio_wait").args(&["arg2"])]],
        },
    ],
};
