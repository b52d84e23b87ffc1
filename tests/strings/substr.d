BEGIN
{
	printf("[%s] [%s]\n", substr("abcdef", 2), substr("abcdef", 1, 3));
	exit(0);
}
