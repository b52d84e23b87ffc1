/* An unsigned constant's negation and complement are as wide as its type. */
BEGIN
{
	all = 0xffffffffULL;
	printf("%d %d %d\n", all == -1u, all == ~0u, all + 1 == -1u + 1ULL);
	printf("%d %d\n", -1u > 0, -1 < 0);
	printf("%d %d\n", -1ULL == 0xffffffffffffffffULL, -(uint8_t)1 == 255);
	exit(0);
}
