BEGIN
{
	@["b"] = sum(2);
	@["a"] = sum(3);
	@["c"] = sum(1);
	printa("%s %@d\n", @);
	exit(0);
}
