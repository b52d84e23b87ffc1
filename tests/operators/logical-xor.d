BEGIN
{
	printf("%d %d %d %d\n", 0 ^^ 0, 0 ^^ 5, 5 ^^ 0, 5 ^^ 7);
	x = 3; y = 4;
	printf("%d %d\n", x ^^ y, x ^^ !y);
	exit(0);
}
