/* The same numbers, whatever their types, are one line. */
BEGIN
{
	@small[(uint8_t)7, "a"] = sum(1);
	@large[(int64_t)7, "a"] = sum(2);
	@large[(int64_t)-8, "b"] = sum(3);
	printa("%d %s %@d %@d\n", @large, @small);
	exit(0);
}
