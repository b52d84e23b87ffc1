BEGIN
{
	printf("%+d % d %u\n", 5, 5, (uint8_t)-1);
	exit(0);
}
