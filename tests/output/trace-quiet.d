BEGIN
{
	trace(5); trace(-1); trace("x"); trace((char)65); trace((int64_t)1 << 40);
	exit(0);
}
