BEGIN
{
	base = 37;
	trace(lltostr(1, base));
}

BEGIN
{
	exit(0);
}
