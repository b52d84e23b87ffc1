//@ needs: [ -e /dev/loop-control ] && command -v python3 # there are no loop devices, or there is no python3
//@ run: -q -c 'sh vminfo.sh'
/* Who reads and writes pages, and who has to wait for one. */
proc:::exec-success
/ppid == $target/
{
	phase += execname == "dd";
}

vminfo:::pgout, vminfo:::pgpgout
/ppid == $target && execname == "dd" && phase == 1/
{
	@[probename] = sum(args[0]);
}

vminfo:::pgin, vminfo:::pgpgin
/ppid == $target && execname == "dd" && phase == 2/
{
	@[probename] = sum(arg0);
}

vminfo:::as_fault
/ppid == $target && execname == "python3"/
{
	faults += arg0;
}

vminfo:::maj_fault
/ppid == $target && execname == "python3"/
{
	waited += arg0;
}

END
{
	setopt("aggsortkey");
	printa("%s %@d\n", @);
	printf("as_fault for each page: %d\n", faults >= 64);
	printf("maj_fault for the device's: %d\n", waited >= 1);
}
