//@ build: cc -O1 -o $OUT/user user.c
//@ run: -q -c "sh -c '$OUT/user 2; $OUT/user 3'"
//@ args: $OUT/user
/* Functions of a file, in all processes that run it. */
uprobe:$$1:add:entry
{
	@calls[probeprov, basename(probemod), probefunc, probename] = count();
}

uprobe:$$1:hidden:return
{
	@values[(char)arg1] = count();
}

uprobe:$$1:main:entry
{
	@processes = count();
}

uprobe:libc:exit:entry
/execname == "user"/
{
	@ends = count();
}
