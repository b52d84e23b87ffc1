/* What the kernel does to run BEGIN, END and tick is not what is traced. */
BEGIN, tick-20ms, END
{
	stack();
	printf("%d %d", stackdepth, caller);
	@[stack()] = count();
}
BEGIN { printa("[%k] %@d\n", @); }
tick-20ms { printf("%d\n", arg0 > 0xffff000000000000 && arg1 == 0); exit(0); }
