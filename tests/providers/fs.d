//@ needs: command -v mke2fs && [ -e /dev/loop-control ] # there is no mke2fs, or there are no loop devices
//@ run: -q -c 'sh fs.sh'
/* A file's pages and inode on their way to the disk. */
fs:::page-dirty
/ppid == $target && execname == "dd"/
{
	printf("%s of %s on %s: %d at %d\n", probename, args[1]->fi_name, args[1]->fi_fs,
	    args[2] == args[0]->mapping->host, args[1]->fi_offset);
	inode = args[2];
}

fs:::inode-dirty
/args[0] == inode && args[1]->fi_name == "four"/
{
	/* Each of the writes may make it so, or only the first. */
	@dirty[probename] = max(1);
}

fs:::inode-writeback-start, fs:::inode-writeback-done
/args[0] == inode && args[1]->fi_name == "four" && args[2]->nr_to_write != 0/
{
	@[probename] = count();
}

fs:::inode-write-start, fs:::inode-write-done
/args[0] == inode && args[1]->fi_name == "four"/
{
	@[probename] = count();
}

END
{
	setopt("aggsortkey");
	printa("%s %@d\n", @dirty);
	printa("%s %@d\n", @);
}
