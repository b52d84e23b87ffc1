/* Each bit-field begins at a byte of its own, in the smallest unit that holds it. */
struct flags { int a : 1; int b : 3; int c : 3; } flags;
struct wide { int a : 20; int b : 3; int c : 12; } wide;
struct mixed { char a : 2; short b : 12; long c : 32; int d; } mixed;
union either { int a : 3; int b : 12; } either;

BEGIN
{
	flags.a = -1; flags.b = 3; flags.c = -4;
	wide.a = 0x7ffff; wide.b = -1; wide.c = 0x7ff;
	mixed.a = 1; mixed.b = -5; mixed.c = -6; mixed.d = 7;
	either.b = 0x7f;
	printf("%d %d %d\n", flags.a, flags.b, flags.c);
	printf("%x %d %x\n", wide.a, wide.b, wide.c);
	printf("%d %d %d %d\n", mixed.a, mixed.b, mixed.c, mixed.d);
	printf("%d %x\n", either.a, either.b);
	printf("%d %d %d %d\n", sizeof(flags), sizeof(wide), sizeof(mixed), sizeof(either));
	exit(0);
}
