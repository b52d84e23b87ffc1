struct flags {
	unsigned a : 3;
	unsigned b : 5;
	int c : 4;
	unsigned rest : 20;
};
struct flags f;

BEGIN
{
	f.a = 9;
	f.b = 31;
	f.c = -3;
	f.rest = 0x12345;
	printf("%d %d %d %x %d\n", f.a, f.b, f.c, f.rest, sizeof(struct flags));
	f.b = 0;
	printf("%d %d %d %x\n", f.a, f.b, f.c, f.rest);
	exit(0);
}
