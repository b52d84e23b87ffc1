#!/usr/bin/env -S strand -qC
/*
 * tstrace.d - the scheduler at work on processor $1: who leaves, who comes, who is woken,
 * what the clock tick finds.
 *
 * Probes: sched:::off-cpu, on-cpu, wakeup and tick.
 *
 *     strand tstrace.d 0
 */
string policies[int];

#define POLICY(t)	policies[(t)->policy]
#define DUMP(header, t)							\
	printf("\t%s %s[%d] %s prio: %d vruntime: %d\n", header,	\
	    stringof((t)->comm), (t)->pid, POLICY(t), (t)->prio, (t)->se.vruntime)

BEGIN
{
	printf("Tracing CPU%d...\n", $1);
	policies[0] = "NORMAL";
	policies[1] = "FIFO";
	policies[2] = "RR";
	policies[3] = "BATCH";
	policies[5] = "IDLE";
	policies[6] = "DEADLINE";
	policies[7] = "EXT";
}

/* What leaves the processor, and what comes instead. */
sched:::off-cpu
/cpu == $1/
{
	printf("=> switch\n");
	DUMP("leaves", curthread);
	printf("\tcomes  %s[%d]\n", args[1]->pr_fname, args[0]->pr_lwpid);
}

sched:::wakeup
/cpu == $1/
{
	printf("=> wakeup of %s[%d]\n", args[1]->pr_fname, args[0]->pr_lwpid);
	DUMP("by    ", curthread);
}

sched:::tick
/cpu == $1/
{
	printf("=> tick\n");
	DUMP("runs  ", curthread);
}
