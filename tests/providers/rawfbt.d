//@ run: -q -c 'dd if=/dev/zero of=/dev/null bs=777 count=100 status=none'
//@ needs: "$STRAND" check -e 'rawfbt::vfs_read:entry {}' # functions can't be traced by their symbols
/* Arguments are numbers: nothing says what they are. */
rawfbt:vmlinux:vfs_read:entry
/pid == $target && arg2 == 777/
{
	this->file = (struct file *)arg0;
	@reads[probeprov, probemod, probefunc, probename,
	    stringof(this->file->f_path.dentry->d_name.name)] = count();
}

rawfbt::vfs_read:return
/pid == $target && arg1 == 777/
{
	@returns[probefunc, probename, (int)arg0] = sum(arg1);
}

END
{
	printa("%s:%s:%s:%s %s %@d\n", @reads);
	printa("%s:%s %d: %@d bytes\n", @returns);
}
