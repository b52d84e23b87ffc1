//@ build: cc -O1 -o $OUT/names names.c
//@ run: -q -c $OUT/names
/* Names are shown as they were written. */
syscall::write:entry
/pid == $target && (int)arg0 == -1/
{
	printf("%A\n", arg1);
	@[ufunc(arg1)] = count();
}
