//! `sysinfo`: what the system counts as a whole, where the kernel has an event for it.
//!
//! As in other systems `arg0` is by how much the count grows.

use super::derived::{COUNT, Derived, Entry, Source};
use super::stability::Promise;

const ONE: &[&str] = &["1"];

/// What a call has transferred.
const BYTES: &[&str] = &["arg0"];
const SOME: &str = "arg0 > 0";

const fn count(call: &'static str) -> Source {
    Source::call(call).args(ONE)
}

const fn bytes(call: &'static str) -> Source {
    Source::call_return(call).args(BYTES).when(SOME)
}

/// `sched_switch` of a thread that could have gone on. Idle threads always could.
const INVOLUNTARY: &str = "((arg0 & 0xff) != 0 || (unsigned int)arg3 == 0) && \
     (((struct task_struct *)arg1)->flags & 0x2) == 0";
const INVOLUNTARY_BEFORE_5_18: &str = "((arg0 & 0xff) != 0 || _task_state[(struct task_struct *)arg1] == 0) && \
     (((struct task_struct *)arg1)->flags & 0x2) == 0";

const SWITCH: Source = Source::tracepoint("sched_switch").args(ONE);

/// The low byte of bi_opf is the operation; those with an odd number write.
const BIO: Source = Source::tracepoint("block_bio_queue").with_params(1).args(ONE);
const READS: &str = "(((struct bio *)arg0)->bi_opf & 1) == 0";
const WRITES: &str = "(((struct bio *)arg0)->bi_opf & 1) == 1";

const FORK: Source = Source::tracepoint("sched_process_fork").args(ONE);
const OF_PROCESS: &str = "((struct task_struct *)arg1)->pid == ((struct task_struct *)arg1)->tgid";
const OF_THREAD: &str = "((struct task_struct *)arg1)->pid != ((struct task_struct *)arg1)->tgid";

/// The provider.
pub static SYSINFO: Derived = Derived {
    name: "sysinfo",
    first: 230,
    promise: Promise::TRANSLATED,
    probes: &[
        // Block I/O that reads or writes.
        Entry { name: "bread", args: COUNT, alternatives: &[&[BIO.when(READS)]] },
        Entry { name: "bwrite", args: COUNT, alternatives: &[&[BIO.when(WRITES)]] },
        // A thread loses its processor although it could go on.
        Entry {
            name: "inv_swtch",
            args: COUNT,
            alternatives: &[
                &[SWITCH.with_params(4).when(INVOLUNTARY)],
                &[SWITCH.when(INVOLUNTARY_BEFORE_5_18)],
            ],
        },
        Entry {
            name: "modload",
            args: COUNT,
            alternatives: &[&[Source::tracepoint("module_load").args(ONE)]],
        },
        Entry {
            name: "modunload",
            args: COUNT,
            alternatives: &[&[Source::tracepoint("module_free").args(ONE)]],
        },
        Entry { name: "msg", args: COUNT, alternatives: &[&[count("msgsnd"), count("msgrcv")]] },
        // Threads of a process that there is already.
        Entry { name: "nthreads", args: COUNT, alternatives: &[&[FORK.when(OF_THREAD)]] },
        Entry { name: "pswitch", args: COUNT, alternatives: &[&[SWITCH]] },
        Entry {
            name: "readch",
            args: COUNT,
            alternatives: &[&[
                bytes("read"),
                bytes("readv"),
                bytes("pread64"),
                bytes("preadv"),
                bytes("preadv2"),
            ]],
        },
        Entry {
            name: "sema",
            args: COUNT,
            alternatives: &[&[count("semop"), count("semtimedop")]],
        },
        Entry {
            name: "sysexec",
            args: COUNT,
            alternatives: &[&[count("execve"), count("execveat")]],
        },
        Entry { name: "sysfork", args: COUNT, alternatives: &[&[FORK.when(OF_PROCESS)]] },
        Entry {
            name: "sysread",
            args: COUNT,
            alternatives: &[&[
                count("read"),
                count("readv"),
                count("pread64"),
                count("preadv"),
                count("preadv2"),
            ]],
        },
        Entry { name: "sysvfork", args: COUNT, alternatives: &[&[count("vfork")]] },
        Entry {
            name: "syswrite",
            args: COUNT,
            alternatives: &[&[
                count("write"),
                count("writev"),
                count("pwrite64"),
                count("pwritev"),
                count("pwritev2"),
            ]],
        },
        Entry {
            name: "trap",
            args: COUNT,
            alternatives: &[&[
                Source::tracepoint("page_fault_user").args(ONE),
                Source::tracepoint("page_fault_kernel").args(ONE),
            ]],
        },
        Entry {
            name: "writech",
            args: COUNT,
            alternatives: &[&[
                bytes("write"),
                bytes("writev"),
                bytes("pwrite64"),
                bytes("pwritev"),
                bytes("pwritev2"),
            ]],
        },
        // A processor is interrupted by another.
        Entry {
            name: "xcalls",
            args: COUNT,
            alternatives: &[&[Source::tracepoint("ipi_send_cpu").args(ONE)]],
        },
    ],
};
