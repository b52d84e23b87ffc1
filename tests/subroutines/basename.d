BEGIN
{
	printf("%s %s %s %s %s\n", basename("/a/b/c"), basename("c"), basename("/a/b/"), basename("/"), basename(""));
	exit(0);
}
