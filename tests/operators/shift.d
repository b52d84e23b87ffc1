BEGIN
{
	x = -16; u = (uint64_t)-16; n = 2;
	printf("%d %d\n", x >> n, x >> 1);
	printf("%x\n", u >> 60);
	printf("%x\n", (uint64_t)1 << 40);
	exit(0);
}
