//@ run: -q -c 'dd if=/dev/zero of=/dev/null bs=777 count=100 status=none'
//@ needs: "$STRAND" check -e 'fbt::vfs_read:entry {}' # functions can't be traced
/* One program serves all of these, and knows each. */
fbt:vmlinux:vfs_*:entry
/pid == $target && arg2 == 777/
{
	@[probeprov, probemod, probefunc, probename] = count();
}

fbt::vfs_*:return
/pid == $target && arg1 == 777/
{
	@[probeprov, probemod, probefunc, probename] = count();
}

END
{
	printa("%s:%s:%s:%s %@d\n", @);
}
