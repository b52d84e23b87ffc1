BEGIN
{
	@s = sum(3);
	@s = sum(4);
	@l = min(3);
	@l = min(4);
	@h = max(3);
	@h = max(4);
	@a = avg(3);
	@a = avg(6);
	printa("%@d", @s);
	printa(" %@d", @l);
	printa(" %@d", @h);
	printa(" %@d\n", @a);
	exit(0);
}
