//@ args: 42 hello -7
BEGIN
{
	printf("%d %s %d\n", $1, $$2, $3);
	printf("%s\n", $$0 == "arguments.d" ? "name" : "other");
	exit(0);
}
