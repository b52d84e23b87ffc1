//@ run: -q
//@ needs: "$STRAND" check -e 'rawfbt::p_next:entry, rawfbt::t_next:entry {}' && grep -q ' t_next$' /proc/kallsyms # functions can't be traced by their symbols, or the kernel has others
/* Several functions have these names, and the first of them can't be traced. */
rawfbt:vmlinux:p_next:entry,
rawfbt:vmlinux:t_next:return
/0/
{
}

BEGIN
{
	printf("armed\n");
	exit(0);
}
