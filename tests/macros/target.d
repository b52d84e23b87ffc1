//@ run: -q -c true
syscall::getpid:entry
/pid == $target/
{
	n++;
}

END
{
	printf("%d\n", n >= 0);
}
