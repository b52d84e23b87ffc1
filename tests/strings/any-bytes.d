/* What is no UTF-8 comes out as it went in, a column for each byte. */
#pragma D option destructive

BEGIN
{
	system("printf '\xe9\xff' | od -An -tx1");
	s["\xc0"] = "\xfe";
	system("printf '%4s|%-4s|%.1s|%S|%s' | od -An -tx1", "\xe9\xff", "\xe9\xff", "\xe9\xff",
	    "\xe9", s["\xc0"]);
	exit(0);
}
