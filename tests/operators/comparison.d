BEGIN
{
	x = -1; y = 1u;
	printf("%d %d %d %d %d %d\n", 1 < 2, 2 < 1, 2 <= 2, 3 > 3, 3 >= 3, 3 != 4);
	printf("%d %d\n", (int64_t)-1 < (int64_t)1, (uint64_t)-1 < (uint64_t)1);
	exit(0);
}
