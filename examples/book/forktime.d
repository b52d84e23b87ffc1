#!/usr/bin/env -S strand -q
/*
 * forktime.d - how long fork, the time until exec, exec itself and the program take.
 *
 * Shows clauses of four probes that meet in arrays by process number.
 *
 * Probes: proc:::create, proc:::start, proc:::exec, proc:::exec-success, proc:::exit; only
 * children of $target, and theirs.
 *
 *     strand forktime.d -c 'sh -c "ls; date"'
 */
uint64_t forked[int];
uint64_t started[int];
uint64_t exec_began[int];
uint64_t exec_ended[int];

syscall::*fork:entry, syscall::clone*:entry
/pid == $target || started[pid]/
{
	self->fork = timestamp;
}

proc:::create
/self->fork/
{
	forked[args[0]->pr_pid] = self->fork;
	self->fork = 0;
}

proc:::start
/forked[pid]/
{
	started[pid] = timestamp;
}

proc:::exec
/started[pid]/
{
	exec_began[pid] = timestamp;
}

proc:::exec-success
/exec_began[pid]/
{
	exec_ended[pid] = timestamp;
}

proc:::exit
/exec_ended[pid]/
{
	@fork[execname] = avg((started[pid] - forked[pid]) / 1000);
	@postfork[execname] = avg((exec_began[pid] - started[pid]) / 1000);
	@exec[execname] = avg((exec_ended[pid] - exec_began[pid]) / 1000);
	@proc[execname] = avg((timestamp - exec_ended[pid]) / 1000);
}

proc:::exit
{
	forked[pid] = 0;
	started[pid] = 0;
	exec_began[pid] = 0;
	exec_ended[pid] = 0;
}

tick-1s, END
{
	printf("%16s %10s %10s %10s %10s\n", "COMMAND", "FORK", "POSTFORK", "EXEC", "PROC");
	printa("%16s %@8dus %@8dus %@8dus %@8dus\n", @fork, @postfork, @exec, @proc);
	trunc(@fork);
	trunc(@postfork);
	trunc(@exec);
	trunc(@proc);
}
