BEGIN
{
	x = 5;
	printf("%d ", x++); printf("%d ", x); printf("%d ", ++x);
	printf("%d ", x--); printf("%d ", --x); printf("%d\n", x);
	a[1] = 3;
	a[1]++; ++a[1]; a[1]--;
	printf("%d\n", a[1]);
	exit(0);
}
