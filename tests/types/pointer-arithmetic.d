BEGIN
{
	p = (int *)0x1000;
	printf("%p %p %p\n", p, p + 1, &p[4]);
	printf("%d\n", (p + 3) - p);
	q = (char *)p;
	printf("%p\n", q + 1);
	exit(0);
}
