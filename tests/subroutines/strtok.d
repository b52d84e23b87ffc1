/* A piece ends before the separator, which a later call with others begins with. */
BEGIN
{
	printf("%s %s %s\n", strtok("/usr/share/man", "/"), strtok(NULL, "/"), strtok(NULL, "/"));
	printf("%d\n", strtok(NULL, "/") == NULL);
	printf("%s", strtok("key=value;rest", "="));
	printf(" %s %s\n", strtok(NULL, ";"), strtok(NULL, ""));
	printf("%d %d\n", strtok("", ",") == NULL, strtok(",,,", ",") == NULL);
}

BEGIN
{
	printf("%s", strtok("a b", " "));
}

/* What is left stays from clause to clause. */
BEGIN
{
	printf(" %s\n", strtok(NULL, " "));
	exit(0);
}
