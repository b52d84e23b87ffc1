BEGIN
{
	x = 0; y = 0;
	r = (x++ && y++);
	printf("%d %d %d\n", r, x, y);
	r = (x++ || y++);
	printf("%d %d %d\n", r, x, y);
	r = 0 && *(int *)0;
	r = 1 || *(int *)0;
	printf("%d\n", r);
	exit(0);
}
