/* Three elements, of 24 bytes each; what is freed can be used again. */
#pragma D option dynvarsize=80

BEGIN
{
	a[1] = 1; a[2] = 2; a[3] = 3;
	a[1] = 0;
	a[4] = 4;
	printf("%d %d %d %d\n", a[1], a[2], a[3], a[4]);
	exit(0);
}
