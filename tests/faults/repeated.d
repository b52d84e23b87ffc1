tick-1ms
/n < 20/
{
	n++;
	printf("%d\n", *(int *)NULL);
}

tick-1ms
/n == 20/
{
	printf("%d ticks\n", n);
	exit(0);
}
