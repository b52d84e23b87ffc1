BEGIN
{
	printf("%d %d\n", PIDTYPE_PID, PIDTYPE_TGID);
	printf("%d\n", (enum pid_type)1);
	exit(0);
}
