//@ build: cc -O1 -o $OUT/names names.c
//@ run: -q -c "$OUT/names generated"
/* Code that a program has made itself, and tells of in /tmp/perf-PID.map. */
syscall::write:entry
/pid == $target && (int)arg0 == -1/
{
	printf("%A\n", arg1);
}
