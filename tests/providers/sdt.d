//@ run: -q -c true
sdt:sched::sched_process_exit
/pid == $target && args[0]->tgid == $target/
{
	printf("%s %s %s\n", probeprov, probemod, probename);
	printf("%d\n", args[0]->pid == tid);
}
