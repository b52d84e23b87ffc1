BEGIN
{
	printf("%d %d %d\n", $pid == pid, $uid == uid, $gid == gid);
	printf("%d\n", $ppid == ppid);
	exit(0);
}
