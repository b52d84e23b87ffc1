//@ run: -q -c 'sh -c "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 0.01; done"'
/* Processes that sleep once each and are woken for it; a busy machine may let a timer fire before its sleeper sleeps. */
sched:::sleep
/execname == "sleep" && ppid == $target && curthread->__state & 1/
{
	asleep[pid] = 1;
	sleeps++;
}

sched:::off-cpu
/execname == "sleep" && ppid == $target && asleep[pid]/
{
	offs += args[1]->pr_pid != pid && args[0]->pr_lwpid != tid;
}

sched:::dequeue
/args[1]->pr_fname == "sleep" && args[1]->pr_ppid == $target && asleep[args[1]->pr_pid]/
{
	dequeues += args[2]->cpu_id == cpu && args[3] == 1;
}

sched:::wakeup
/args[1]->pr_fname == "sleep" && args[1]->pr_ppid == $target && asleep[args[1]->pr_pid]/
{
	wakeups++;
}

sched:::enqueue
/args[1]->pr_fname == "sleep" && args[1]->pr_ppid == $target && asleep[args[1]->pr_pid]/
{
	enqueues += args[2]->cpu_id == args[0]->pr_onpro;
}

sched:::on-cpu
/execname == "sleep" && ppid == $target && asleep[pid]/
{
	ons++;
	asleep[pid] = 0;
}

sched:::tick
{
	ticks++;
}

END
{
	printf("%d %d %d %d %d %d\n", sleeps >= 8, offs >= 8, dequeues >= 8, wakeups >= 8,
	    enqueues >= 8, ons >= 8);
	printf("%d\n", ticks > 0);
}
