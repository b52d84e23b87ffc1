//@ needs: command -v python3 # there is no python3
//@ run: -q -c "python3 -c 'import os; [os.sched_yield() for i in range(7)]'"
sched:::surrender
/pid == $target/
{
	n += args[0]->pr_lwpid == tid && args[1]->pr_pid == pid;
}

syscall::sched_yield:entry
/pid == $target/
{
	calls++;
	if (calls == 1) printf("%s:%s:%s:%s\n", probeprov, probemod, probefunc, probename);
}

END
{
	printf("%d %d\n", n, calls);
}
