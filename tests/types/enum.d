enum color { RED, GREEN = 5, BLUE };
enum color c;

BEGIN
{
	c = BLUE;
	printf("%d %d %d %d\n", RED, GREEN, BLUE, c);
	printf("%d\n", c == BLUE && c > GREEN);
	exit(0);
}
