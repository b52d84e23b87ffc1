//! `proc`: processes and threads that begin, run programs, get signals and end.
//!
//! A process has its first thread's id, and is gone when its last thread is. What a new
//! thread does first is to return 0 from the call that made it. An exec has failed if its
//! call returns an error, and succeeded once the new program is in place.

use super::derived::{Arg, Derived, Entry, Source, THREAD, plain, text, translated};
use super::stability::Promise;

/// A thread and its process, and a signal.
const SIGNALLED: [Arg; 3] = {
    let [thread, process] = THREAD;
    [thread, process, plain(1, "int")]
};

/// The new thread of `sched_process_fork` is a process of its own.
const NEW_PROCESS: &str = "((struct task_struct *)arg1)->pid == ((struct task_struct *)arg1)->tgid";

/// How a process has ended, as wait(2) has it: the signal, and a bit for a core dump.
const HOW_ENDED: &[&str] = &["((struct task_struct *)arg0)->exit_code & 0x80 ? 3 : \
     ((struct task_struct *)arg0)->exit_code & 0x7f ? 2 : 1"];

/// In a new thread.
const IN_CHILD: &str = "arg0 == 0";

/// In the first thread of a new process.
const IN_NEW_PROCESS: &str = "arg0 == 0 && curthread->pid == curthread->tgid";

/// Calls of which a new thread returns.
const fn births(when: &'static str) -> [Source; 4] {
    [
        Source::call_return("clone").when(when),
        Source::call_return("clone3").when(when),
        Source::call_return("fork").when(when),
        Source::call_return("vfork").when(when),
    ]
}

/// `signal_generate`: the signal, its details, whom it is for, whether all of that process,
/// and what became of it.
const TO_WHOM: &[&str] = &["arg2", "arg0"];

/// The provider.
pub static PROC: Derived = Derived {
    name: "proc",
    first: 120,
    promise: Promise::TRANSLATED,
    probes: &[
        Entry {
            name: "create",
            args: &[translated(0, "struct task_struct *", "psinfo_t *")],
            alternatives: &[&[Source::tracepoint("sched_process_fork")
                .args(&["arg1"])
                .when(NEW_PROCESS)]],
        },
        Entry {
            name: "exec",
            args: &[text(0)],
            alternatives: &[&[Source::call("execve"), Source::call("execveat").args(&["arg1"])]],
        },
        Entry {
            name: "exec-failure",
            args: &[plain(0, "int")],
            alternatives: &[&[
                Source::call_return("execve").when("arg0 < 0"),
                Source::call_return("execveat").when("arg0 < 0"),
            ]],
        },
        Entry {
            name: "exec-success",
            args: &[],
            alternatives: &[&[Source::tracepoint("sched_process_exec")]],
        },
        Entry {
            name: "exit",
            args: &[plain(0, "int")],
            alternatives: &[
                &[Source::tracepoint("sched_process_exit")
                    .with_params(2)
                    .args(HOW_ENDED)
                    .when("(arg1 & 0xff) != 0")],
                &[Source::tracepoint("sched_process_exit")
                    .args(HOW_ENDED)
                    .when("((struct task_struct *)arg0)->signal->live.counter == 0")],
            ],
        },
        Entry {
            name: "lwp-create",
            args: &THREAD,
            alternatives: &[&[Source::tracepoint("sched_process_fork").args(&["arg1"])]],
        },
        Entry {
            name: "lwp-exit",
            args: &[],
            alternatives: &[&[Source::tracepoint("sched_process_exit")]],
        },
        Entry { name: "start", args: &[], alternatives: &[&births(IN_NEW_PROCESS)] },
        Entry { name: "lwp-start", args: &[], alternatives: &[&births(IN_CHILD)] },
        Entry {
            name: "signal-clear",
            args: &[plain(0, "int")],
            alternatives: &[&[Source::call_return("rt_sigtimedwait").when("arg0 > 0")]],
        },
        Entry {
            name: "signal-discard",
            args: &SIGNALLED,
            alternatives: &[&[Source::tracepoint("signal_generate")
                .args(TO_WHOM)
                .when("(int)arg4 == 1")]],
        },
        Entry {
            name: "signal-handle",
            args: &[plain(0, "int"), plain(1, "siginfo_t *"), plain(2, "void (*)(void)")],
            // What kills all of a process kills it by SIGKILL; the process has kept which
            // signal it was.
            alternatives: &[&[Source::tracepoint("signal_deliver").args(&[
                "arg0 == 9 && (curthread->signal->group_exit_code & 0x7f) != 0 ? \
                 curthread->signal->group_exit_code & 0x7f : arg0",
                "arg1",
                "(long)((struct k_sigaction *)arg2)->sa.sa_handler",
            ])]],
        },
        Entry {
            name: "signal-send",
            args: &SIGNALLED,
            // It is delivered, or delivered without its details.
            alternatives: &[&[Source::tracepoint("signal_generate")
                .args(TO_WHOM)
                .when("(int)arg4 == 0 || (int)arg4 == 4")]],
        },
    ],
};
