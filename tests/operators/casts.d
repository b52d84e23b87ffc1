BEGIN
{
	x = 0x12345678;
	printf("%x %x\n", (uint8_t)x, (uint16_t)x);
	printf("%d %d\n", (char)0xff, (unsigned char)0xff);
	printf("%d\n", (int)0xffffffff);
	printf("%d\n", (int64_t)(int)0x80000000 == -2147483648);
	printf("%x\n", (uint32_t)-1);
	exit(0);
}
