//@ run: -q -w
/* Commands run in order with what is printed around them. */
BEGIN
{
	n = 3;
	printf("before\n");
	system("echo %s has %d; echo 'and %%'", "it", n);
	printf("between\n");
	system("echo %x", n + 9);
	printf("after\n");
	exit(0);
}
