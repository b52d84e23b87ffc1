//@ run: -q -x droptags
/* Four of the keys find no room. */
#pragma D option aggsize=1k

BEGIN
{
	for (i = 1; i <= 15; i++)
		@[i] = sum(i);
	exit(0);
}
