BEGIN
{
	printf("%s\n", strjoin("ab", strjoin("", "cd")));
	exit(0);
}
