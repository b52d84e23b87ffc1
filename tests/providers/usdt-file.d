//@ build: cc -O1 -o $OUT/markers markers.c
//@ run: -q -c "sh -c '$OUT/markers 2; $OUT/markers 3; :'"
//@ args: $OUT/markers
/* Markers of a file, in all processes that run it. */
usdt:$$1:order:start
{
	@[probeprov, probefunc, probename] = count();
}

usdt:$$1:order:d*
{
	@processes[pid != $target] = count();
}
