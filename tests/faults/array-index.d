int a[4];
ERROR
{
	printf("ERROR %d %x\n", arg4, arg5);
}

BEGIN { i = 4; a[i] = 1; printf("never\n"); }
BEGIN { exit(0); }
