#!/usr/bin/env -S strand -q
/*
 * pfstat.d - page faults every second, by process and by what was tried.
 *
 * Probes: vminfo:::as_fault and the tracepoint page_fault_user.
 */
sdt:exceptions::page_fault_user
/$target == 0 || pid == $target/
{
	@faults[execname, arg2 & 16 ? "fetch" : arg2 & 2 ? "write" : "read"] = count();
}

tick-1s, END
{
	printf("%8s %-16s %s\n", "FAULTS", "EXECNAME", "ACCESS");
	printa("%@8u %-16s %s\n", @faults);
	trunc(@faults);
}
