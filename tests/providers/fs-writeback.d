//@ needs: command -v mke2fs && "$STRAND" check -e 'fs:::page-writeback-start {}' # there is no mke2fs, or functions can't be traced
//@ run: -q -c 'sh fs.sh'
/* Each page that a program made dirty is written back once, by another thread. */
fs:::page-dirty
/ppid == $target && execname == "dd"/
{
	dirty[arg0] = tid;
}

fs:::page-writeback-start
/dirty[arg0] && dirty[arg0] != tid/
{
	@[probename, args[1]->fi_name] = count();
	written[arg0] = 1;
}

fs:::page-writeback-done
/written[arg0]/
{
	@[probename, args[1]->fi_name] = count();
	written[arg0] = 0;
	dirty[arg0] = 0;
}

END
{
	setopt("aggsortkey");
	printa("%s of %s: %@d\n", @);
}
