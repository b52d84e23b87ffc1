//@ run: -q -c 'sh proc.sh'
/* A shell that runs a program, fails to run another, and gets two signals. */
proc:::create
/pid == $target/
{
	printf("create: %d\n", args[0]->pr_ppid == pid && args[0]->pr_pid != pid);
	child = args[0]->pr_pid;
}

proc:::lwp-create
/pid == $target/
{
	printf("lwp-create: %d\n", args[0]->pr_lwpid == child && args[1]->pr_pid == child);
}

proc:::start
/ppid == $target/
{
	printf("start: %d %d\n", pid == child, tid == pid);
}

proc:::lwp-start
/ppid == $target/
{
	printf("lwp-start: %d\n", tid == child);
}

proc:::exec
/ppid == $target/
{
	printf("exec: %s\n", args[0]);
}

proc:::exec-failure
/ppid == $target/
{
	printf("exec-failure: %d %d\n", args[0] == -ENOENT, errno == ENOENT);
}

proc:::exec-success
/ppid == $target/
{
	printf("exec-success: %s\n", curpsinfo->pr_psargs);
}

proc:::lwp-exit
/ppid == $target/
{
	printf("lwp-exit\n");
}

proc:::exit
/ppid == $target || pid == $target/
{
	printf("exit: %s %s\n", pid == $target ? "shell" : "child",
	    args[0] == CLD_EXITED ? "exited" : args[0] == CLD_KILLED ? "killed" : "dumped");
}

proc:::signal-send
/args[1]->pr_pid == $target && args[2] != SIGCHLD/
{
	printf("signal-send: %d to %s\n", args[2], args[1]->pr_fname);
}

proc:::signal-discard
/args[1]->pr_pid == $target && args[2] == SIGWINCH/
{
	printf("signal-discard: %d\n", args[2]);
}

proc:::signal-handle
/pid == $target && args[0] != SIGCHLD/
{
	printf("signal-handle: %d %d %d\n", args[0], args[1]->si_signo == args[0],
	    args[2] != NULL);
}
