//@ needs: mkdir -p $OUT && cc -O1 -o $OUT/compat compat.c && $OUT/compat once # this kernel runs no 32-bit programs
//@ run: -q -c $OUT/compat
/* Calls of 32-bit programs fire as what they are: `read` and `getuid` have the numbers of others
   there, `socketcall` has no counterpart. Loops and arrays see the same call. */
syscall::read:entry
/pid == $target && arg0 == 777/
{
	printf("%s %d %d\n", probefunc, args[0], args[2]);
	for (i = 0; i < 2; i++)
		printf("%s %d\n", probefunc, arg2);
	self->reads++;
}

syscall::read:return
/pid == $target && errno == EBADF/
{
	printf("%s %d %d\n", probefunc, arg1, errno);
}

syscall::getuid:entry
/pid == $target/
{
	self->uids++;
}

/* What has the same number in other programs. */
syscall::close:entry
/pid == $target && arg0 == 777/
{
	printf("%s\n", probefunc);
}

syscall::sched_yield:entry,
syscall::fremovexattr:entry
/pid == $target/
{
	printf("%s\n", probefunc);
}

syscall::exit_group:entry
/pid == $target/
{
	printf("%d %d\n", self->reads, self->uids);
}
