BEGIN
{
	@count = count(); @count = count();
	@sum = sum(3); @sum = sum(-5);
	@avg = avg(10); @avg = avg(15);
	@min = min(4); @min = min(-2); @max = max(4); @max = max(-2);
	@stddev = stddev(2); @stddev = stddev(4); @stddev = stddev(4); @stddev = stddev(4);
	@stddev = stddev(5); @stddev = stddev(5); @stddev = stddev(7); @stddev = stddev(9);
	printa("count %@d\n", @count); printa("sum %@d\n", @sum); printa("avg %@d\n", @avg);
	printa("min %@d\n", @min); printa("max %@d\n", @max); printa("stddev %@d\n", @stddev);
	exit(0);
}
