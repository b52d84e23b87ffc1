/* The clock fires a tick, not a process. */
tick-10ms
{
	printf("%d %d %d %d\n", pid, tid, ucaller, ustackdepth);
	usym(ucaller); printf("|\n");
	ustack();
	exit(0);
}
BEGIN { printf("%d\n", pid == $pid); }
