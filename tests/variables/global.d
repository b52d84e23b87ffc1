BEGIN
{
	x = 3;
	y = x * 2;
	s = "text";
	printf("%d %d %s\n", x, y, s);
	exit(0);
}
