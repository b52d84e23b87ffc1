//@ needs: [ -e /dev/loop-control ] # there are no loop devices
//@ run: -q -c 'sh blk.sh'
/* Two programs' writes to a loop device, from bio to the end of the request. */
proc:::exec-success
/ppid == $target && execname == "dd"/
{
	phase++;
}

blk:::bio-queue, blk:::bio-split, blk:::request-get
/ppid == $target && execname == "dd" && substr(args[1]->dev_name, 0, 4) == "loop"/
{
	@[phase, probename] = count();
}

blk:::bio-split
/ppid == $target && execname == "dd"/
{
	@rest[phase, "split at sector", args[2]] = count();
}

blk:::request-insert
/ppid == $target && execname == "dd" && args[1]->dev_statname == stringof(args[0]->q->disk->disk_name) &&
    substr(args[1]->dev_name, 0, 4) == "loop"/
{
	@[phase, probename] = count();
	began[arg0] = phase;
}

blk:::request-issue
/began[arg0]/
{
	@[began[arg0], probename] = count();
	@bytes[began[arg0], "bytes"] = sum(args[0]->__data_len);
}

blk:::request-complete
/began[arg0]/
{
	@[began[arg0], probename] = count();
	@ended[began[arg0], "bytes ended", args[2]] = sum(args[3]);
	began[arg0] = 0;
}

END
{
	setopt("aggsortkey");
	printa("%d %-16s %@d\n", @);
	printa("%d %s: %@d\n", @bytes);
	printa("%d %s with status %d: %@d\n", @ended);
	printa("%d %s %d: %@d\n", @rest);
}
