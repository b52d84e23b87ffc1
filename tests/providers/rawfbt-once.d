//@ run: -q -c 'dd if=/dev/zero of=/dev/null bs=777 count=100 status=none'
//@ needs: "$STRAND" check -e 'fbt::vfs_read:entry {}' # functions can't be traced
/* A function that has types is there once, unless the provider is named. */
::vfs_read:entry
/pid == $target && arg2 == 777/
{
	@[probeprov] = count();
}

raw*:vmlinux:vfs_rea[d]:entry
/pid == $target && arg2 == 777/
{
	@[probeprov] = count();
}

END
{
	printa("%s %@d\n", @);
}
