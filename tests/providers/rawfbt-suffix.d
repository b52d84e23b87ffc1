//@ run: -q -c 'sh -c "dd if=/dev/zero bs=777 count=1 status=none | cat >/dev/null"'
//@ needs: "$STRAND" check -e 'rawfbt::vfs_read:entry {}' && grep -q ' __do_pipe_flags\.' /proc/kallsyms # functions can't be traced by their symbols, or the compiler has left that one whole
/* What the compiler has made of a function, by its whole name or by a glob. */
rawfbt::__do_pipe_flags.*:entry
/progenyof($target)/
{
	@made[probemod, probename] = count();
}

rawfbt::__do_pipe_flags.*:return
/progenyof($target) && (int)arg1 == 0/
{
	@made[probemod, probename] = count();
}

END
{
	printa("%s %s %@d\n", @made);
}
