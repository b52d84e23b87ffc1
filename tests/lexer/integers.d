BEGIN
{
	printf("%d %d %d %d\n", 10, 012, 0x1F, 0X1f);
	printf("%d %d %d\n", 5u, 5L, 5ull);
	printf("%d\n", sizeof(5) + sizeof(5L) + sizeof(0x123456789));
	printf("%u\n", 18446744073709551615);
	exit(0);
}
