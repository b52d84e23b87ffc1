//@ check
/* What can't be aggregated is said once, not wherever the aggregation is used. */
BEGIN
{
	@sizes[nowhere] = sum(1);
	@times = sum(elsewhere);
}

END
{
	normalize(@sizes, 1024);
	printa(@sizes, @times);
	trunc(@others);
}
