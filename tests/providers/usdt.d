//@ build: cc -O1 -o $OUT/markers markers.c
//@ run: -q -c "$OUT/markers 2"
/* Markers of the command, with arguments from registers, memory and the instruction. A
   semaphore lets it know that it is traced. */
order$target:::start
{
	printf("%s:%s:%s %d %d\n", probemod, probefunc, probename, args[0], arg1);
	mine = probeprov == strjoin("order", lltostr(pid));
}

order$target:::types-of
{
	printf("%d %d %d %d %d\n", args[0], args[1], args[2], args[3], args[4]);
	printf("%d %d\n", sizeof (args[0]), sizeof (args[4]));
}

order$target:markers:round_of:costly
{
	printf("costly %s\n", copyinstr(arg0));
}

or*er$target:::d*e
{
	@ = count();
}

END
{
	printf("of order$target: %d\n", mine);
}
