BEGIN
{
	x = 5;
	printf("%d %d %d %d\n", -x, +x, !x, ~x);
	printf("%d %d\n", !!x, - -x);
	exit(0);
}
