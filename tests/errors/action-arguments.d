//@ check
BEGIN
{
	@a[1, "x"] = count();
	@b["x", 1] = count();
	printf(123);
	printf(execname);
	printf("%-%");
	printa(1);
	printa(@a, @b);
	printa("%d %s %d\n", @a);
	normalize(@a, "x");
	tracemem(1, 0);
	tracemem(1, pid);
	tracemem(*curthread, 4);
	print(1);
	print(NULL);
	setopt(1);
	freopen(".");
	raise("x");
}
