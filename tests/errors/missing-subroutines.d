//@ check
BEGIN
{
	ddi_pathname(NULL, 0);
	trace(msgsize(NULL));
	getmajor();
	mutex_owner("lock");
	rw_read_held((struct mutex *)NULL);
	progenyof("me");
	copyout("bytes", 0);
	inet_ntoa6((int *)NULL);
	inet_ntoa6((struct in6_addr *)NULL, pid);
}
