//! `vminfo`: what the virtual memory system counts, where the kernel has an event for it.
//!
//! As in other systems `arg0` is by how much the count grows. Reading and writing of pages
//! is counted as the kernel's own pgpgin and pgpgout are: all block I/O with data.

use super::derived::{COUNT, Derived, Entry, Source};
use super::stability::Promise;

const ONE: &[&str] = &["1"];

/// Bytes of a bio in pages of 4 KiB, which is what is counted wherever pages are larger.
const PAGES: &[&str] = &["(((struct bio *)arg0)->bi_iter.bi_size + 4095) >> 12"];

/// The low byte of bi_opf is the operation; those with an odd number write.
const READS: &str =
    "(((struct bio *)arg0)->bi_opf & 1) == 0 && ((struct bio *)arg0)->bi_iter.bi_size != 0";
const WRITES: &str =
    "(((struct bio *)arg0)->bi_opf & 1) == 1 && ((struct bio *)arg0)->bi_iter.bi_size != 0";

const BIO: Source = Source::tracepoint("block_bio_queue").with_params(1);

/// The provider.
pub static VMINFO: Derived = Derived {
    name: "vminfo",
    first: 200,
    promise: Promise::TRANSLATED,
    probes: &[
        // Page faults of user mode.
        Entry {
            name: "as_fault",
            args: COUNT,
            alternatives: &[&[Source::tracepoint("page_fault_user").args(ONE)]],
        },
        // Page faults of the kernel itself.
        Entry {
            name: "kernel_asflt",
            args: COUNT,
            alternatives: &[&[Source::tracepoint("page_fault_kernel").args(ONE)]],
        },
        // Page faults that wait for I/O.
        Entry {
            name: "maj_fault",
            args: COUNT,
            alternatives: &[
                &[Source::tracepoint("count_memcg_events")
                    .args(&["arg2"])
                    .when("(int)arg1 == PGMAJFAULT")],
                // Before 6.15: what was returned has VM_FAULT_MAJOR.
                &[Source::function_return("handle_mm_fault")
                    .args(ONE)
                    .when("((unsigned int)arg1 & 4) != 0")],
            ],
        },
        // The page daemon is woken.
        Entry {
            name: "pgrrun",
            args: COUNT,
            alternatives: &[&[Source::tracepoint("mm_vmscan_kswapd_wake").args(ONE)]],
        },
        // Requests to read pages, and the pages.
        Entry { name: "pgin", args: COUNT, alternatives: &[&[BIO.args(ONE).when(READS)]] },
        Entry { name: "pgpgin", args: COUNT, alternatives: &[&[BIO.args(PAGES).when(READS)]] },
        // Requests to write pages, and the pages.
        Entry { name: "pgout", args: COUNT, alternatives: &[&[BIO.args(ONE).when(WRITES)]] },
        Entry { name: "pgpgout", args: COUNT, alternatives: &[&[BIO.args(PAGES).when(WRITES)]] },
    ],
};
