BEGIN, END
{
	/* Two addresses of one module are one key. */
	@mod[mod(caller)] = sum(1);
	@user[umod(ucaller)] = sum(1);
}

BEGIN { exit(0); }
