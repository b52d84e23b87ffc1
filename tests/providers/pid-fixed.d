//@ build: cc -O1 -no-pie -fno-pie -o $OUT/user user.c
//@ run: -q -c "$OUT/user 2"
/* A program that is loaded where it was linked to be. */
pid$target::add:entry, pid$target:libc.so:exit:entry
{
	printf("%s %s\n", probemod, probefunc);
}
