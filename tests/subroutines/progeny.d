#pragma D option destructive

BEGIN
{
	printf("%d %d %d\n", progenyof($pid), progenyof($ppid), progenyof(1));
	printf("%d %d\n", progenyof($pid + 1), progenyof(0));
	system("true");
}

syscall::exit_group:entry
/progenyof($pid) && pid != $pid/
{
	printf("a child ends\n");
	exit(0);
}
