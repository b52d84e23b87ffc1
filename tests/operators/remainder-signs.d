BEGIN
{
	x = 19;
	y = 5;
	printf("%d %d %d %d\n", x % y, x % -y, -x % y, -x % -y);
	printf("%d %d %d %d\n", 19 % 5, 19 % -5, -19 % 5, -19 % -5);
	i = 4;
	i += i++ + ++i;
	printf("%d\n", i);
	exit(0);
}
