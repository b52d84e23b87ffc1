//@ build: cc -O1 -o $OUT/ended ended.c
//@ run: -q -x switchrate=300ms -c "sh -c '$OUT/ended 4001; $OUT/ended -4002; $OUT/ended 4003; sleep 0.7; :'"
/* Processes that have ended before anybody looks at what they were. */
syscall::close:entry
/arg0 >= 4001 && arg0 <= 4003/
{
	printf("%d", arg0);
	ustack(1);
	@[ufunc(uregs[R_PC])] = count();
}

END
{
	printa("%A %@d\n", @);
}
