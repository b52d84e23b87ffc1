/* Options that may change while tracing do, the others say no. */
BEGIN
{
	@a["x"] = sum(2);
	@a["y"] = sum(1);
	printa("%s %@d\n", @a);
	setopt("aggsortrev");
	printa("%s %@d\n", @a);
	setopt("aggsortrev", "no");
	setopt("aggsortkey");
	printa("%s %@d\n", @a);
	setopt("rawbytes");
	trace("ab");
	setopt("rawbytes", "off");
	setopt("strsize", "8");
	setopt("aggsortkeey");
	setopt("quiet", "perhaps");
	clear(@a);
	trunc(@a);
	exit(0);
}
