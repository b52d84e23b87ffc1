int x;
int *p;

BEGIN
{
	x = 3;
	x = NULL;
	p = NULL;
	y = NULL;
	y = 5;
	printf("%d %d %d %d\n", x == NULL, NULL != x, p == NULL, y);
	printf("%d %d\n", x == 0 ? NULL : 1, y ? y : NULL);
	exit(0);
}
