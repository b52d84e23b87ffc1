BEGIN
{
	p[curthread] = 5;
	p[curthread->group_leader] += 1;
	printf("%d\n", p[curthread] >= 5);
	printf("%d\n", p[(struct task_struct *)0]);
	exit(0);
}
