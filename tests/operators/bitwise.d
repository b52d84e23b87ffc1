BEGIN
{
	x = 0xf0; y = 0x3c;
	printf("%x %x %x %x\n", x & y, x | y, x ^ y, ~x & 0xff);
	printf("%x %x\n", 1 << 12, 0x8000 >> 3);
	exit(0);
}
