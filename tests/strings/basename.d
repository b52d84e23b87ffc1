BEGIN
{
	printf("%s %s %s\n", basename("/a/b"), basename("/a/b/"), basename("/"));
	exit(0);
}
