/* So many bytes of memory, or as many of them as a number says. */
struct pair { char text[12]; int n; long wide; };
struct pair p;
BEGIN
{
	p.text[0] = 'h';
	p.text[1] = 'i';
	p.n = -2;
	p.wide = 0x4142434445464748;
	tracemem(&p.text, sizeof (struct pair));
	tracemem(&p.text, 16, 2);
	tracemem(&p.text, 16, -1);
	tracemem(&p.text, 4, p.n + 100);
	tracemem(&p.text, 4, 0);
	exit(0);
}
