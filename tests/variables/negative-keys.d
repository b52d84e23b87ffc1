BEGIN
{
	a[-1] = 1; a[(int64_t)-1 >> 40] += 1;
	printf("%d\n", a[-1]);
	exit(0);
}
