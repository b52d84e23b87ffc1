ERROR
{
	printf("ERROR %d %x\n", arg4, arg5);
}

BEGIN
{
	p = (int *)NULL;
	printf("before\n");
	printf("%d\n", *p);
	printf("never\n");
}

BEGIN
{
	printf("after\n");
	exit(0);
}
