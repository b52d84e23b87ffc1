//@ run: -q -c 'sh -c "kill -0 $$"'
syscall::kill:entry
/pid == $target/
{
	printf("%d %d\n", arg1, (int)arg0 == ppid || arg1 == 0);
}
