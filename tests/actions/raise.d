//@ run: -q -w -c "sh -c 'trap \"echo caught\" USR1; echo | read x; exit 0'"
syscall::pipe*:return
/pid == $target && !done/
{
	done = 1;
	raise(SIGUSR1);
}
