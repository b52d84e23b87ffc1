ERROR
{
	printf("ERROR %d %x\n", arg4, arg5);
}

BEGIN / *(int *)NULL == 0/ { printf("never\n"); }
BEGIN { printf("on\n"); exit(0); }
