struct table {
	int n;
	short cell[4];
};
struct table t;

BEGIN
{
	t.cell[0] = 1;
	t.cell[3] = -4;
	i = 3;
	printf("%d %d %d\n", t.cell[0], t.cell[i], sizeof(t.cell));
	exit(0);
}
