BEGIN
{
	@["a"] = count();
	clear(@);
	printa("%s %@d\n", @);
	exit(0);
}
