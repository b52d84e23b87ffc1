BEGIN
{
	@ = lquantize(5, 0, 20, 10, 3); @ = lquantize(15, 0, 20, 10, 1);
	@ = lquantize(-1, 0, 20, 10); @ = lquantize(99, 0, 20, 10, 3);
	exit(0);
}
