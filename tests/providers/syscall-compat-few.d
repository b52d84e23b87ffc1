//@ needs: mkdir -p $OUT && cc -O1 -o $OUT/compat compat.c && $OUT/compat once # this kernel runs no 32-bit programs
//@ run: -q -c $OUT/compat
/* 3 is close's number, and read's in 32-bit programs. */
syscall::close:entry
/pid == $target && (arg0 == 776 || arg0 == 777)/
{
	printf("%s %d\n", probefunc, arg0);
}

syscall::read:entry
/pid == $target && (arg0 == 776 || arg0 == 777)/
{
	printf("%s %d %d\n", probefunc, arg0, arg2);
}

syscall::read:return
/pid == $target && errno == EBADF/
{
	printf("%s %d\n", probefunc, errno);
}
