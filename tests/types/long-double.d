/* Numbers that D can't count with can be kept. */
struct s { int i; long double d; } s;
long double a, b[int];

BEGIN
{
	s.d = a;
	b[1] = s.d;
	this->x = b[1];
	trace(this->x);
	exit(0);
}
