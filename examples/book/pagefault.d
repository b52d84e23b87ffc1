#!/usr/bin/env -S strand -qC
/*
 * pagefault.d - each page fault of a process: address, instruction, and what was tried.
 *
 * Probes: the tracepoint page_fault_user. Its error code has one bit for each property.
 *
 *     strand pagefault.d -c COMMAND
 */
#define PRESENT(code)	((code) & 1 ? "protection" : "no page")
#define ACCESS(code)	((code) & 16 ? "fetch" : (code) & 2 ? "write" : "read")

sdt:exceptions::page_fault_user
/pid == $target/
{
	printf("pid: %d %s\n\taddr: %p ip: %p %s: %s\n", pid, execname, arg0,
	    args[1]->ip, ACCESS(arg2), PRESENT(arg2));
}
