//@ run: -q -c true
sdt:sched::sched_process_exit
/pid == $target && curthread->tgid == curthread->pid/
{
	sym(caller); printf(" ");
	mod(caller); printf(" ");
	printf("%a\n", caller);
}
