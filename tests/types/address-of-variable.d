int array[5];
int *p;
struct point { int x; int y; } here;

BEGIN
{
	array[0] = 100;
	array[3] = 400;
	p = array;
	printf("%d %d %d\n", p[0], p[3], *(p + 3));
	p = &array[3];
	printf("%d %d\n", *p, *(p - 3));
	here.y = 7;
	p = &here.y;
	array[1] = 5;
	q = &array[1];
	printf("%d %d\n", *p, *q);
	array[1] = 6;
	printf("%d\n", *q);
	exit(0);
}
