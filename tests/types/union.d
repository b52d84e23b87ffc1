union word {
	uint32_t all;
	uint8_t low;
};
union word w;

BEGIN
{
	w.all = 0x11223344;
	printf("%x %d\n", w.low, sizeof(union word));
	exit(0);
}
