//@ needs: "$STRAND" check -e 'scsi:::dispatch-start {}' && [ -e /sys/bus/pseudo/drivers/scsi_debug/adapter0 ] # the kernel has no SCSI, or no scsi_debug
//@ run: -q -c 'sh scsi.sh'
/* What becomes of the commands of three programs. */
proc:::exec-success
/ppid == $target && execname == "dd"/
{
	phase++;
}


blk:::request-insert
/ppid == $target && execname == "dd"/
{
	mine[arg0] = phase;
}

scsi:::dispatch-start
/mine[arg2]/
{
	command[arg0] = mine[arg2];
	tries[arg0]++;
}

scsi:::dispatch-start
/mine[arg2] && tries[arg0] == 1/
{
	printf("%d %s %x %d bytes, of its device: %d\n", mine[arg2], probename, args[0]->cmnd[0],
	    args[2]->__data_len, args[0]->device == args[1]);
}

scsi:::dispatch-error
/command[arg0]/
{
	@errors[command[arg0], probename, args[3]] = max(1);
}

scsi:::dispatch-timeout
/command[arg0]/
{
	@timeouts[command[arg0], probename] = max(1);
}

scsi:::dispatch-done
/command[arg0]/
{
	@done[command[arg0], probename, args[0]->result] = count();
	tries[arg0] = 0;
}

END
{
	printa("%d %s %#x: %@d\n", @errors);
	printa("%d %s: %@d\n", @timeouts);
	printa("%d %s %d: %@d\n", @done);
}
