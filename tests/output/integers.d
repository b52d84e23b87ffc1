BEGIN
{
	printf("%d %d %d %d\n", (char)-1, (short)-2, -3, (int64_t)-4);
	printf("%u %u\n", (unsigned char)255, (uint64_t)-1);
	printf("%d\n", (uint64_t)-1);
	printf("%i %lld %hd %ld\n", -1, (int64_t)5, (short)6, 7L);
	exit(0);
}
