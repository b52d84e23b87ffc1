BEGIN
{
	printf("%s %s %s %s\n", dirname("/var/log/messages"), dirname("/var/log/"), dirname("/var"), dirname("//"));
	printf("%s %s %s\n", dirname("messages"), dirname(""), dirname("a//b//"));
	printf("%s %s %s %s\n", basename("/var/log/messages"), basename("/var/log/"), basename("//"), basename(""));
	printf("%s %s %s %s\n", cleanpath("/var/./log//x/"), cleanpath("/a/b/../../c"), cleanpath("/.."), cleanpath("/"));
	printf("%s %s %s %s\n", cleanpath("a/.."), cleanpath("../../x"), cleanpath("../a/.."), cleanpath("a/../../b"));
	printf("[%s] %s %s\n", cleanpath(""), cleanpath("..."), cleanpath(".hidden/./x"));
	exit(0);
}
