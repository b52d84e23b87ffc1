//@ run: -q -C -D FLAG=3
#define LIMIT 5
#ifdef FLAG
BEGIN { printf("flag %d\n", FLAG); }
#endif
BEGIN
{
	printf("%d %s\n", LIMIT, __FILE__ == "preprocessor.d" ? "here" : "elsewhere");
	exit(0);
}
