//@ build: cc -O1 -o $OUT/no-file no-file.c
//@ run: -q -c "sh -c '$OUT/no-file; sleep 0.3; :'"
/* A frame without a name says why. */
syscall::close:entry
/arg0 == 4004/
{
	ustack(1);
}
