BEGIN
{
	printf("%d %d %d %d %d\n", 7 + 3, 7 - 10, 7 * 3, 7 / 2, 7 % 4);
	printf("%d %d\n", -7 / 2, -7 % 4);
	x = 7; y = 2;
	printf("%d %d %d %d %d\n", x + y, x - y, x * y, x / y, x % y);
	x = -7;
	printf("%d %d\n", x / y, x % y);
	exit(0);
}
