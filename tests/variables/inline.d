inline int LIMIT = 2 * 21;
inline string NAME = "inline";
inline int twice[int n] = 2 * n;

BEGIN
{
	printf("%d %s %d\n", LIMIT, NAME, twice[LIMIT]);
	exit(0);
}
