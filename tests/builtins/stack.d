//@ run: -q -c true
sdt:sched::sched_process_exit
/pid == $target && curthread->tgid == curthread->pid/
{
	printf("%d\n", stackdepth > 2);
	stack(2);
}
