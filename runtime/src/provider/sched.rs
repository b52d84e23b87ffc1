//! `sched`: threads that wait for a processor, get one and leave it.
//!
//! A thread is put on a processor's queue when it wakes up, begins, or is moved there
//! while it could run, and leaves it when it goes to sleep or is moved. Changes of a waiting
//! thread's priority take it off and put it back, which is not seen here.
//!
//! `off-cpu` fires in the thread that leaves, `on-cpu` in the one that comes: at the end of
//! the scheduler's own function, or when a new thread returns from the call that made it.
//! Kernels before 6.16 have no event there, only functions.

use super::derived::{Arg, Derived, Entry, Source, THREAD, plain};
use super::stability::Promise;

/// A thread, its process and its processor.
const QUEUED: [Arg; 3] = {
    let [thread, process] = THREAD;
    [thread, process, plain(1, "cpuinfo_t *")]
};

const DEQUEUED: [Arg; 4] = {
    let [thread, process] = THREAD;
    [thread, process, plain(1, "cpuinfo_t *"), plain(2, "int")]
};

/// A thread, its process and what its priority will be.
const PRIORITY: [Arg; 3] = {
    let [thread, process] = THREAD;
    [thread, process, plain(1, "int")]
};

/// The priority of a thread that waits for what this one holds, or its own again.
const INHERITED: &[&str] = &[
    "arg0",
    "arg1 != 0 ? ((struct task_struct *)arg1)->prio : ((struct task_struct *)arg0)->normal_prio",
];

/// The thread that is running.
const CURRENT: &[&str] = &["(uintptr_t)curthread"];

/// Where the thread that wakes up will run: what it had or was given.
const WAKES: &[&str] = &["arg0", "_cpuinfo(_task_cpu[(struct task_struct *)arg0])"];

/// A thread is moved while it could run: it is on no queue, but marked as on its way.
const MOVES: &str = "((struct task_struct *)arg0)->on_rq == 2";

/// `sched_switch` of a thread that goes to sleep: it wasn't preempted, and is in a state
/// other than running.
const SLEEPS: &str = "(arg0 & 0xff) == 0 && (unsigned int)arg3 != 0";
const SLEEPS_BEFORE_5_18: &str =
    "(arg0 & 0xff) == 0 && _task_state[(struct task_struct *)arg1] != 0";

/// `sched_switch` of a thread that could have gone on. Idle threads always could.
const PREEMPTED: &str = "((arg0 & 0xff) != 0 || (unsigned int)arg3 == 0) && \
     (((struct task_struct *)arg1)->flags & 0x2) == 0";
const PREEMPTED_BEFORE_5_18: &str = "((arg0 & 0xff) != 0 || _task_state[(struct task_struct *)arg1] == 0) && \
     (((struct task_struct *)arg1)->flags & 0x2) == 0";

const SWITCH: Source = Source::tracepoint("sched_switch");

/// A thread leaves for good what it was on: its processor, and that this is for sleeping.
const TO_SLEEP: &[&str] = &["arg1", "(uintptr_t)curcpu", "1"];

const MOVED: Source = Source::tracepoint("sched_migrate_task")
    .args(&["arg0", "_cpuinfo(_task_cpu[(struct task_struct *)arg0])", "0"])
    .when(MOVES);

/// The provider.
pub static SCHED: Derived = Derived {
    name: "sched",
    first: 150,
    promise: Promise::TRANSLATED,
    probes: &[
        Entry {
            name: "change-pri",
            args: &PRIORITY,
            alternatives: &[&[
                Source::function("set_user_nice").args(&["arg0", "120 + (int)arg1"]),
                Source::tracepoint("sched_pi_setprio").args(INHERITED),
            ]],
        },
        Entry {
            name: "dequeue",
            args: &DEQUEUED,
            alternatives: &[
                &[SWITCH.with_params(4).args(TO_SLEEP).when(SLEEPS), MOVED],
                &[SWITCH.args(TO_SLEEP).when(SLEEPS_BEFORE_5_18), MOVED],
            ],
        },
        Entry {
            name: "enqueue",
            args: &QUEUED,
            alternatives: &[&[
                Source::tracepoint("sched_wakeup").args(WAKES),
                Source::tracepoint("sched_wakeup_new").args(WAKES),
                Source::tracepoint("sched_migrate_task")
                    .args(&["arg0", "_cpuinfo((int)arg1)"])
                    .when(MOVES),
            ]],
        },
        Entry { name: "off-cpu", args: &THREAD, alternatives: &[&[SWITCH.args(&["arg2"])]] },
        Entry {
            name: "on-cpu",
            args: &[],
            alternatives: &[
                &[
                    Source::tracepoint("sched_exit_tp").when("(arg0 & 0xff) != 0"),
                    Source::call_return("clone").when("arg0 == 0"),
                    Source::call_return("clone3").when("arg0 == 0"),
                    Source::call_return("fork").when("arg0 == 0"),
                    Source::call_return("vfork").when("arg0 == 0"),
                ],
                &[Source::symbol("finish_task_switch")],
            ],
        },
        Entry {
            name: "preempt",
            args: &[],
            alternatives: &[
                &[SWITCH.with_params(4).when(PREEMPTED)],
                &[SWITCH.when(PREEMPTED_BEFORE_5_18)],
            ],
        },
        Entry {
            name: "remain-cpu",
            args: &[],
            alternatives: &[&[Source::tracepoint("sched_exit_tp").when("(arg0 & 0xff) == 0")]],
        },
        Entry {
            name: "sleep",
            args: &[],
            alternatives: &[
                &[SWITCH.with_params(4).when(SLEEPS)],
                &[SWITCH.when(SLEEPS_BEFORE_5_18)],
            ],
        },
        Entry {
            name: "surrender",
            args: &THREAD,
            alternatives: &[&[Source::call("sched_yield").args(CURRENT)]],
        },
        Entry {
            name: "tick",
            args: &THREAD,
            // RCU's accounting is told what happens, by constant texts.
            alternatives: &[&[Source::tracepoint("rcu_utilization")
                .args(CURRENT)
                .when("stringof((char *)arg0) == \"Start scheduler-tick\"")]],
        },
        Entry {
            name: "wakeup",
            args: &THREAD,
            // What follows is done by whoever is asked to, this by who asks.
            alternatives: &[&[Source::tracepoint("sched_waking")]],
        },
    ],
};
