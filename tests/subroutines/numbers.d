BEGIN
{
	printf("%s %s %s\n", lltostr(0), lltostr(-12), lltostr(-9223372036854775807 - 1));
	printf("%s %s %s %s\n", lltostr(255, 16), lltostr(0, 16), lltostr(64, 8), lltostr(0, 8));
	printf("%s %s\n", lltostr(35, 36), lltostr(-1, 2));
	printf("%d %d %d %d\n", strtoll("42"), strtoll(" \t-42"), strtoll("+7 apples"), strtoll("none"));
	printf("%d %d %d %d\n", strtoll("0xff", 16), strtoll("ff", 16), strtoll("0", 16), strtoll("-10", 2));
	printf("%d\n", strtoll("9223372036854775807"));
	exit(0);
}
