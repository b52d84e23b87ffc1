//@ run: -q -x aggpercpu -x cpu=0
BEGIN
{
	@["key"] = count();
	@least = min(7);
	exit(0);
}
