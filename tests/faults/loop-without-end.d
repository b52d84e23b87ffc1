ERROR
{
	printf("ERROR %d %x\n", arg4, arg5);
}

BEGIN { while (1) n++; printf("never\n"); }
BEGIN { printf("%d\n", n > 1000); exit(0); }
