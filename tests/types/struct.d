struct point {
	int x;
	char tag;
	int64_t y;
};
struct point p;

BEGIN
{
	p.x = 3;
	p.tag = 'q';
	p.y = -4;
	printf("%d %c %d\n", p.x, p.tag, p.y);
	printf("%d %d\n", sizeof(struct point), offsetof(struct point, y));
	p.x += 10;
	printf("%d\n", p.x);
	exit(0);
}
