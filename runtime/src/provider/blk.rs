//! `blk`: the life of a block request: bios are queued, split, sent on to another device and
//! merged; a request is got for them, inserted, issued, put back, and completed.
//!
//! `args[0]` is the kernel's own bio or request, the same pointer from probe to probe: what
//! one I/O is followed by. `args[1]` is its device. Further arguments are the event's. All
//! events are tracepoints; bio-based devices have no requests, request-based ones complete
//! no bios.

use super::derived::{Arg, Derived, Entry, Source, plain, translated};
use super::stability::Promise;

const BIO: [Arg; 2] = [plain(0, "struct bio *"), translated(0, "struct bio *", "devinfo_t *")];

/// And a place on the device.
const BIO_AT: [Arg; 3] = {
    let [bio, device] = BIO;
    [bio, device, plain(1, "sector_t")]
};

/// And what it was before: the device, and the place there.
const BIO_FROM: [Arg; 4] = {
    let [bio, device] = BIO;
    [bio, device, plain(1, "dev_t"), plain(2, "sector_t")]
};

const REQUEST: [Arg; 2] =
    [plain(0, "struct request *"), translated(0, "struct request *", "devinfo_t *")];

/// And how it ended, 0 if well; and of how many bytes that is said.
const REQUEST_ENDED: [Arg; 4] = {
    let [request, device] = REQUEST;
    [request, device, plain(1, "int"), plain(2, "unsigned int")]
};

const REQUEST_FROM: [Arg; 4] = {
    let [request, device] = REQUEST;
    [request, device, plain(1, "dev_t"), plain(2, "sector_t")]
};

const QUEUE: [Arg; 2] =
    [plain(0, "struct request_queue *"), translated(0, "struct request_queue *", "devinfo_t *")];

/// And how many requests it has held back, and whether somebody wanted it to let go.
const UNPLUGGED: [Arg; 4] = {
    let [queue, device] = QUEUE;
    [queue, device, plain(1, "unsigned int"), plain(2, "int")]
};

/// Whether somebody wanted it is one byte; the rest of that register may be anything.
const UNPLUG: &[&str] = &["arg0", "(unsigned int)arg1", "arg2 & 0xff"];

/// A status is one byte, or an error number on kernels that pass that.
const ENDED: &[&str] = &["arg0", "(int)arg1", "(unsigned int)arg2"];

macro_rules! entry {
    ($name:literal, $args:expr, $source:expr) => {
        Entry { name: $name, args: &$args, alternatives: &[&[$source]] }
    };
}

/// The provider.
pub static BLK: Derived = Derived {
    name: "blk",
    first: 400,
    promise: Promise::KERNEL_ARGS,
    probes: &[
        entry!("bio-queue", BIO, Source::tracepoint("block_bio_queue").with_params(1)),
        // The first part; the rest is queued again and begins there.
        entry!(
            "bio-split",
            BIO_AT,
            Source::tracepoint("block_split").args(&["arg0", "(unsigned int)arg1"])
        ),
        entry!(
            "bio-remap",
            BIO_FROM,
            Source::tracepoint("block_bio_remap").args(&["arg0", "(unsigned int)arg1", "arg2"])
        ),
        entry!("bio-backmerge", BIO, Source::tracepoint("block_bio_backmerge").with_params(1)),
        entry!("bio-frontmerge", BIO, Source::tracepoint("block_bio_frontmerge").with_params(1)),
        entry!("bio-complete", BIO, Source::tracepoint("block_bio_complete").args(&["arg1"])),
        entry!("request-get", BIO, Source::tracepoint("block_getrq").with_params(1)),
        entry!("request-insert", REQUEST, Source::tracepoint("block_rq_insert").with_params(1)),
        entry!("request-issue", REQUEST, Source::tracepoint("block_rq_issue").with_params(1)),
        entry!("request-merge", REQUEST, Source::tracepoint("block_rq_merge").with_params(1)),
        entry!("request-requeue", REQUEST, Source::tracepoint("block_rq_requeue").with_params(1)),
        entry!(
            "request-remap",
            REQUEST_FROM,
            Source::tracepoint("block_rq_remap").args(&["arg0", "(unsigned int)arg1", "arg2"])
        ),
        entry!(
            "request-complete",
            REQUEST_ENDED,
            Source::tracepoint("block_rq_complete").args(ENDED)
        ),
        entry!("request-error", REQUEST_ENDED, Source::tracepoint("block_rq_error").args(ENDED)),
        entry!("plug", QUEUE, Source::tracepoint("block_plug")),
        entry!("unplug", UNPLUGGED, Source::tracepoint("block_unplug").args(UNPLUG)),
    ],
};
