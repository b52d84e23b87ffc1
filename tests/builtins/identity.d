BEGIN
{
	printf("%d %d %d\n", pid == $pid, tid == curthread->pid, ppid == curthread->real_parent->tgid);
	printf("%d %d\n", uid == $uid, gid == $gid);
	printf("%d\n", cpu >= 0 && cpu < 4096);
	printf("%s\n", execname == curthread->comm ? "same" : "other");
	exit(0);
}
