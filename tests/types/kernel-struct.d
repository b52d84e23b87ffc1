BEGIN
{
	printf("%d\n", curthread->tgid == pid);
	printf("%d\n", curthread->pid == tid);
	printf("%d\n", curthread->group_leader->tgid == curthread->tgid);
	printf("%s\n", curthread->comm == execname ? "same" : "other");
	exit(0);
}
