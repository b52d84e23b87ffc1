/* New elements in several aggregations at once, where interrupts are off: none is dropped. */
profile-1ms
{
	@a[timestamp] = count();
	@b[timestamp] = count();
	@c[timestamp] = count();
	@d[timestamp] = count();
}

tick-1s
{
	exit(0);
}

END
{
	trunc(@a);
	trunc(@b);
	trunc(@c);
	trunc(@d);
}
