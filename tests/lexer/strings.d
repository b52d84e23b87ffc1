BEGIN
{
	printf("tab[\t] quote[\"] back[\\] hex[\x41] oct[\102]\n");
	printf("%s\n", "percent % in an argument");
	printf("%s|%s\n", "", "x");
	exit(0);
}
