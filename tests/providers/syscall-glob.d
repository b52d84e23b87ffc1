//@ run: -q -c '/bin/sh -c "echo >/dev/null"'
syscall::*write*:entry,
syscall::wri?e:entry
/pid == $target/
{
	@[probefunc] = count();
}

syscall:::entry
/pid == $target && probefunc == "exit_group"/
{
	printf("%s %d\n", probefunc, arg0);
}
