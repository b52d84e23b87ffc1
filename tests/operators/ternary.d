BEGIN
{
	x = 5;
	printf("%s %s\n", x > 3 ? "big" : "small", x > 9 ? "big" : "small");
	printf("%d\n", x == 1 ? 10 : x == 5 ? 50 : 90);
	exit(0);
}
