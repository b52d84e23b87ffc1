#!/usr/bin/env -S strand -q
/*
 * openaggr.d - files opened and created by each process, and how many of the calls succeed,
 * every $1 seconds.
 *
 * Shows printa() of several aggregations, and a macro argument in a probe description.
 *
 * Probes: syscall::openat.
 */
syscall::openat*:entry
/(arg2 & O_CREAT) == O_CREAT/
{
	@create[execname, pid] = count();
}

syscall::openat*:entry
/(arg2 & O_CREAT) == 0/
{
	@open[execname, pid] = count();
}

syscall::openat*:return
/arg1 >= 0/
{
	@success[execname, pid] = count();
}

tick-$1s, END
{
	printf("%Y\n", walltimestamp);
	printf("%16s %7s %6s %6s %s\n", "EXECNAME", "PID", "CREATE", "OPEN", "SUCCESS");
	printa("%16s %7d %@6d %@6d %@d\n", @create, @open, @success);
	trunc(@create);
	trunc(@open);
	trunc(@success);
}
