//@ run: -q -x rawbytes -x strsize=6
/* Values as bytes; text with all that a string holds. */
BEGIN
{
	s = "abc";
	trace(s);
	trace("too long for it");
	trace((short)-2);
	trace(0x0102030405060708);
	exit(0);
}
