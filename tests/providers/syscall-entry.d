//@ run: -q -o /dev/stderr -c '/bin/echo one line'
syscall::write:entry
/pid == $target/
{
	printf("%s %d %s", probefunc, arg0, stringof(copyin(arg1, arg2)));
}
