BEGIN
{
	x = (1, 2, 3);
	printf("%d\n", x);
	printf("%d %d %d\n", 2 + 3 * 4, (2 + 3) * 4, 1 | 2 & 4 ^ 7);
	printf("%d %d\n", 1 << 2 + 3, 10 - 4 - 3);
	printf("%d\n", !0 + ~0);
	exit(0);
}
