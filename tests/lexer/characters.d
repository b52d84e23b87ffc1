BEGIN
{
	printf("%d %d %d %d\n", 'a', '\n', '\\', '\'');
	printf("%d %d\n", '\x41', '\101');
	printf("%c%c%c\n", 'x', 'y', 'z');
	exit(0);
}
