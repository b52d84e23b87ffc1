//@ check
BEGIN
{
	@a = count();
	trace(@a);
	trace(@a + 1);
	trace(&@a);
	printf("%d", @a);
	@b[@a] = count();
	trunc(@a, @a);
	normalize(@a, "2");
	x = arg0 ? @a : 1;
	y = @a;
	@b;
	@nothing;
	sum(4);
}
