BEGIN
{
	s = strjoin("a", strjoin("b", "c"));
	printf("%s %d %d\n", s, strlen(s), strlen(""));
	exit(0);
}
