/* What finds nothing is NULL, or -1; positions are brought into the text. */
BEGIN
{
	path = "/var/log/messages";
	printf("[%s] [%s] [%s]\n", strchr(path, '/'), strrchr(path, '/'), strchr(path, 0));
	printf("[%s] [%s] [%s]\n", strstr(path, "log"), strstr(path, ""), strstr(path, "messages"));
	printf("%d %d %d\n", strchr(path, 'z') == NULL, strrchr(path, 'z') == NULL, strstr(path, "logs") == NULL);
	printf("%d %d %d %d\n", index(path, "/"), index(path, "/", 1), index(path, "/", 9), index(path, "s", -7));
	printf("%d %d %d %d\n", rindex(path, "/"), rindex(path, "/", 7), rindex(path, "/", -1), rindex(path, "s", 99));
	printf("%d %d %d %d\n", index(path, ""), index(path, "", 99), rindex(path, ""), rindex(path, "", -1));
	printf("%d %d\n", index("", "a"), index("aaab", "aab"));
	exit(0);
}
