BEGIN
/pid == $pid/
{
	printf("own\n");
	exit(0);
}
