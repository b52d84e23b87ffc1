int64_t total[string, int];

BEGIN
{
	total["a", 1] = 5000000000;
	total["a", 1] += 1;
	printf("%d\n", total["a", 1]);
	exit(0);
}
