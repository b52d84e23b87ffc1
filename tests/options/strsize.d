//@ run: -q -x strsize=8
BEGIN
{
	s = strjoin("0123456789", "abcdefghij");
	printf("%s\n", s);
	printf("%s\n", "01234567890123456789");
	exit(0);
}
