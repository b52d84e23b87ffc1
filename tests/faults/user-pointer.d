ERROR
{
	printf("ERROR %d %x\n", arg4, arg5);
}

BEGIN { printf("%s\n", copyinstr(16)); }
BEGIN { printf("%d\n", *(int *)copyin(32, 4)); }
BEGIN { exit(0); }
