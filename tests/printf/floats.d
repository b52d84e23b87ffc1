/* Floating-point numbers are carried and shown, not computed with. */
struct point { float x; double y; };
uint64_t bits[4];
double d;
float f;
double kept[int];
BEGIN
{
	bits[0] = 0x400921fb54442d18;	/* pi */
	bits[1] = 0xc0c81cd6e631f8a1;	/* -12345.6789 */
	bits[2] = 0x7ff0000000000000;
	bits[3] = 0x3fc00000;		/* 1.5f */
	d = *(double *)&bits[0];
	f = *(float *)&bits[3];
	kept[1] = d;
	printf("%f %e %g %G %.0f %.2f\n", d, d, d, d, d, d);
	printf("[%10.3f] [%-10.3f] [%+.1f] [% .1f] [%010.3f] [%#.0f]\n", d, d, d, d, d, d);
	d = *(double *)&bits[1];
	printf("%f %E %g [%012.2f] [%#g]\n", d, d, d, d, d);
	printf("%f %G %5d|%*f|%-*.1e|\n", *(double *)&bits[2], *(double *)&bits[2], 7, 12, f, 12, d);
	printf("%f %g %f %g\n", f, kept[1], kept[2], ((struct point *)&bits[2])->y);
	printf("%f %e\n", 42, -1);
	exit(0);
}
