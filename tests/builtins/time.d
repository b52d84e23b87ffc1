BEGIN
{
	a = timestamp; v = vtimestamp; w = walltimestamp;
}

tick-30ms
{
	d = timestamp - a;
	printf("%d\n", d >= 20000000 && d < 300000000);
	dw = walltimestamp - w;
	printf("%d\n", dw >= 20000000 && dw < 300000000);
	printf("%d\n", w / 1000000000 > 1700000000);
	exit(0);
}
