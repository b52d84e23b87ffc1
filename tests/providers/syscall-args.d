//@ run: -q -c 'sh -c "exec 2>/dev/null; : </tmp/no-such-file-here"'
syscall::openat:entry
/pid == $target && basename(copyinstr(args[1])) == "no-such-file-here"/
{
	printf("%s %d\n", copyinstr(args[1]), args[2] & 3);
	self->mine = 1;
}

syscall::openat:return
/self->mine/
{
	printf("%d %d %d\n", arg0, arg1, errno);
	self->mine = 0;
}
