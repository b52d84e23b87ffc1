#!/usr/bin/env -S strand -qC
/*
 * proc.d - the life of processes: fork, exec, wait, signals and exit, in order.
 *
 * Probes: all of proc, and system calls that begin them; $target and its children.
 */
#define PARENT(t)	((t)->real_parent != NULL ? (t)->real_parent->comm : "???")

proc:::, syscall::*fork:entry, syscall::clone*:entry, syscall::exec*:entry,
syscall::wait*:entry
/pid == $target || ppid == $target/
{
	printf("%6d[%8s]/%6d[%8s] %s::%s:%s\n", pid, execname, ppid,
	    stringof(PARENT(curthread)), probeprov, probefunc, probename);
}

proc:::create
/pid == $target || ppid == $target/
{
	printf("\tPID: %d -> %d\n", curpsinfo->pr_pid, args[0]->pr_pid);
}

proc:::exec
/pid == $target || ppid == $target/
{
	printf("\tfilename: %s\n", args[0]);
}

proc:::exit
/pid == $target || ppid == $target/
{
	printf("\treturn code: %d\n", args[0]);
}
