//@ run: -q
/* What was updated is there, whatever it adds up to; what wasn't isn't. */
BEGIN
{
	@sum = sum(5);
	@sum = sum(-5);
	@sums["keyed"] = sum(0);
	@quantized = quantize(3, 0);
	@quantized_by["keyed"] = quantize(3, 0);
	@steps = lquantize(3, 0, 10, 5, 0);
	@steps_by["keyed"] = lquantize(3, 0, 10, 5, 0);
	@plain = quantize(3);
	exit(0);
}

BEGIN /execname == "nobody"/
{
	@never = sum(1);
	@never_by["keyed"] = sum(1);
	@never_quantized = quantize(1);
	@never_least = min(1);
}

END
{
	printa("sum %@d\n", @sum);
	printa("%s %@d\n", @sums);
	printa("plain%@d", @plain);
	printa("quantized%@d", @quantized);
	printa("%s%@d", @quantized_by);
	printa("steps%@d", @steps);
	printa("%s%@d", @steps_by);
	clear(@sum);
	clear(@sums);
	clear(@plain);
	printa("cleared: sum %@d\n", @sum);
	printa("cleared: %s %@d\n", @sums);
	trunc(@sum);
	trunc(@sums);
	printa("truncated: sum %@d\n", @sum);
	printa("truncated: %s %@d\n", @sums);
	printa("never %@d\n", @never);
	printa("never: %s %@d\n", @never_by);
	printa("never %@d\n", @never_quantized);
	printa("never %@d\n", @never_least);
	trunc(@plain); trunc(@quantized); trunc(@quantized_by); trunc(@steps); trunc(@steps_by);
}
