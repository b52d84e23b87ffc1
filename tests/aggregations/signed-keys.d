//@ run: -q -x aggsortkey -x aggsortrev
BEGIN
{
	/* Narrow keys are shown unsigned, wide ones signed; all are sorted as unsigned. */
	@narrow[(char)-2] = sum(-2);
	@narrow[(char)1] = sum(1);
	@narrow[(char)0] = sum(0);
	@int[-2] = sum(-2);
	@int[1] = sum(1);
	@int[-1] = sum(-1);
	exit(0);
}
