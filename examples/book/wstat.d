#!/usr/bin/env -S strand -q
/*
 * wstat.d - writes and bytes each second, by process and descriptor, sorted by process.
 *
 * Shows two aggregations with the same keys in one table, one of them normalised.
 *
 * Probes: syscall::write.
 */
#pragma D option aggsortkey
#pragma D option aggsortkeypos=0

syscall::write:entry
/$target == 0 || pid == $target/
{
	@bytes[pid, execname, arg0] = sum(arg2);
	@ops[pid, execname, arg0] = count();
}

tick-1s, END
{
	normalize(@bytes, 1024);
	printf("%7s %16s %3s %7s %8s\n", "PID", "EXECNAME", "FD", "OPS", "KBYTES");
	printa("%7u %16s %3u %7@d %7@dK\n", @ops, @bytes);
	trunc(@bytes);
	trunc(@ops);
}
