BEGIN
{
	@ = llquantize(1, 4, 0, 1, 2);
	@ = llquantize(2, 4, 0, 1, 2);
	@ = llquantize(3, 4, 0, 1, 2);
	@ = llquantize(7, 4, 0, 1, 2);
	@ = llquantize(8, 4, 0, 1, 2);
	exit(0);
}
