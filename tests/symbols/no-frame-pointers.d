//@ build: cc -O2 -fomit-frame-pointer -o $OUT/program no-frame-pointers.c
//@ run: -q -x ustackcopy=8k -x switchrate=300ms -c $OUT/program
/* Each caller up to the first, of a process that has ended by then; a key has frame pointers. */
syscall::close:entry
/pid == $target && arg0 >= 4010 && arg0 <= 4012/
{
	printf("%d", arg0);
	ustack();
}

syscall::close:entry
/pid == $target && arg0 == 4013/
{
	printf("%d", arg0);
	ustack(5);
	printf("%k", ustack(3));
	@[ustack(5)] = count();
}
