//@ run: -F -c "cat /dev/null"
syscall::openat:entry, syscall::openat:return
/pid == $target/
{
	printf("%s", probename);
}

syscall::openat:entry
/pid == $target/
{
	trace(2);
}
