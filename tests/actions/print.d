/* Values as C writes them; zeros are left out. */
enum colour { RED, GREEN = 5 };
struct inner { unsigned int low : 3; int high : 9; uint64_t wide; };
struct outer {
	char name[6];
	struct inner pair[2];
	union { int i; unsigned char c; } u;
	enum colour colour;
	void *p;
	short gone;
};
struct outer o;
int n;
BEGIN
{
	o.name[0] = 'a';
	o.name[1] = '\t';
	o.pair[1].low = 5;
	o.pair[1].high = -7;
	o.pair[0].wide = 1;
	o.u.i = 0x102;
	o.colour = GREEN;
	o.p = (void *)16;
	n = -3;
	print(o);
	print(o.colour);
	print(o.pair);
	setopt("printsize", "8");
	print(o);
	exit(0);
}
