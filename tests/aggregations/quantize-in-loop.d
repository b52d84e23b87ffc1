/*
 * ASSERTION: the bucket of a number that is only known when the program runs is the one that its
 * power of two has; the greatest numbers of both signs and 0 have theirs, too.
 * SECTION: Aggregations
 */
#pragma D option quiet

BEGIN
{
	for (this->n = 0; this->n < 64; this->n += 9) {
		@ = quantize(1LL << this->n);
		@ = quantize(-(1LL << this->n));
		@ = quantize((1LL << this->n) - 1);
	}
	exit(0);
}
