//@ run: -q -c 'dd if=/dev/zero of=/dev/null bs=777 count=100 status=none'
//@ needs: "$STRAND" check -e 'fbt::vfs_read:entry {}' # functions can't be traced
/* Arguments and return value have the types that the kernel gives them. */
fbt::vfs_read:entry
/pid == $target && args[2] == 777/
{
	self->file = args[0];
	@reads[stringof(args[0]->f_path.dentry->d_name.name)] = count();
}

fbt::vfs_read:return
/self->file/
{
	@bytes[stringof(self->file->f_path.dentry->d_name.name)] = sum(args[1]);
	self->file = 0;
}

END
{
	printa("%s: %@d reads, %@d bytes\n", @reads, @bytes);
}
