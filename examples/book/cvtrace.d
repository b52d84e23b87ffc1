#!/usr/bin/env -S strand -q
/*
 * cvtrace.d - where the threads of a process go to sleep, who wakes them, and after how long.
 *
 * What Solaris does by condition variables is wait queues, futexes and completions here; all
 * of them end in the scheduler, so its static probes see every one. The stack says what the
 * thread waits for.
 *
 * Probes: sched:::sleep, sched:::wakeup.
 *
 *     strand cvtrace.d -c 'sleep 0.2'
 *     strand cvtrace.d -p PID
 */
sched:::sleep
/pid == $target/
{
	asleep[tid] = timestamp;
	printf("[%d] %s sleeps\n", pid, execname);
	stack(4);
}

sched:::wakeup
/args[1]->pr_pid == $target && asleep[args[0]->pr_lwpid]/
{
	printf("[%d] %s wakes %d after %d us\n", pid, execname, args[0]->pr_lwpid,
	    (timestamp - asleep[args[0]->pr_lwpid]) / 1000);
	asleep[args[0]->pr_lwpid] = 0;
}
