ERROR
{
	printf("ERROR %d %x\n", arg4, arg5);
}

BEGIN { z = 0; printf("%d\n", 10 / z); }
BEGIN { printf("%d\n", 10 % z); }
BEGIN { exit(0); }
