self x, y;
this const z;
extern w;
extern int nothing[];
extern double real;
extern struct here { int a; } there;
extern enum not_there nor_this;
static int prototype(void);

BEGIN
{
	self->x = 7;
	this->z = self->x * 2;
	w = -1;
	printf("%d %d %d %d\n", self->x, self->y, this->z, w);
	exit(0);
}
