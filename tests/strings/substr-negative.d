BEGIN
{
	printf("[%s] [%s]\n", substr("abcdef", -2), substr("abcdef", 1, -2));
	exit(0);
}
