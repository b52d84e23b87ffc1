BEGIN
{
	s = "0123456789";
	printf("[%s] [%s] [%s]\n", substr(s, 3), substr(s, 3, 4), substr(s, 0, 0));
	printf("[%s] [%s] [%s]\n", substr(s, -3), substr(s, -3, 2), substr(s, 20));
	printf("[%s]\n", substr(s, 2, -3));
	exit(0);
}
