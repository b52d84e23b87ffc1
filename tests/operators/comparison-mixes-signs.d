BEGIN
{
	i = (int)-1; u = (unsigned)1; l = (int64_t)-1;
	printf("%d\n", i < u);
	printf("%d\n", l < u);
	printf("%d\n", (short)-1 < (unsigned short)1);
	exit(0);
}
