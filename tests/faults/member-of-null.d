ERROR
{
	printf("ERROR %d %x\n", arg4, arg5);
}

BEGIN
{
	t = (struct task_struct *)NULL;
	printf("%d\n", t->pid);
}

BEGIN { exit(0); }
