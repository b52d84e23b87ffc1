BEGIN
{
	printf("%d %d %d\n", 'a', '\n', '\\');
	printf("%d %d\n", '\x41', '\101');
	printf("%c%c%c\n", 'x', 'y', 'z');
	/* Several characters are one number, the first the most significant. */
	printf("%x %x %x\n", 'ab', 'abcd', 'abcdefgh');
	/* What is no escape keeps its backslash. */
	printf("%x %x %s\n", '\'', '\c', "\?\c");
	exit(0);
}
