typedef unsigned short port_t;
typedef struct { port_t from, to; } pair_t;
pair_t p;
port_t q;

BEGIN
{
	q = 70000;
	p.from = 1;
	p.to = q;
	printf("%d %d %d\n", q, p.to, sizeof(pair_t));
	exit(0);
}
