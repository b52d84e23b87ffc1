int i;
int64_t wide;
uint8_t byte;
string s;

BEGIN
{
	byte = 300;
	wide = 1 << 20;
	wide *= 1 << 20;
	printf("%d %d %d %d\n", i, byte, wide, s == NULL);
	s = "set";
	printf("%s\n", s);
	exit(0);
}
