//@ check
BEGIN
{
	speculate(1);
	raise(SIGUSR1);
	system("true");
	setopt("quiet");
}
