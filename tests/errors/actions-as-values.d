//@ check
BEGIN
{
	trace(trace(1));
	printf("%d", printf("a"));
	exit(exit(0));
	@[trace(1)] = count();
	x = 1 + -trace(2);
	y = arg0 ? trace(1) : trace(2);
	z = (trace(1), 2);
	n -= trace(3);
	printf("%s", stringof(trace(4)));
	t = (struct task_struct)trace(5);
	(void)trace(6);
	a = arg0 == 1 ? 0 : trace();
	@s = sum(exit(0));
}
