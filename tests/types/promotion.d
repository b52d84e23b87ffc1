BEGIN
{
	c = (char)100; d = (char)100;
	printf("%d\n", c + d);
	u = (unsigned char)200;
	printf("%d\n", u * 2);
	printf("%d %d\n", sizeof(c + d), sizeof((int64_t)1 + c));
	exit(0);
}
