BEGIN
{
	a[1] = 10; a[2] = 20;
	b["one", 1] = 11; b["one", 2] = 12; b["two", 1] = 21;
	printf("%d %d %d\n", a[1], a[2], a[3]);
	printf("%d %d %d %d\n", b["one", 1], b["one", 2], b["two", 1], b["two", 2]);
	exit(0);
}
