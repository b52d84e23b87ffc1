//@ status: 1
/* What changes the system needs a word of the user's. */
BEGIN
{
	system("true");
	raise(SIGUSR1);
	stop();
	chill(1);
	freopen("/dev/null");
}
