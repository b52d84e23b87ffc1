struct inner { int a; int b; };
struct outer { struct inner first; struct inner second; };
struct outer o;

BEGIN
{
	o.first.b = 2;
	o.second.a = 3;
	printf("%d %d %d %d\n", o.first.a, o.first.b, o.second.a, o.second.b);
	exit(0);
}
