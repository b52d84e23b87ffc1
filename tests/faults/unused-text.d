BEGIN
{
	copyinstr(0, 8);
	printf("not reached\n");
}

ERROR
{
	printf("fault %d of probe %d in clause %d: %u %u\n", arg4, arg1, arg2, arg5, NULL);
	exit(0);
}
