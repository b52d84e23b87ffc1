//@ build: cc -O1 -static -o $OUT/user user.c
//@ run: -q -c "$OUT/user 2"
/* A program without dynamic linker, whose C library is part of it. */
pid$target::add:entry, pid$target:a.out:exit:entry
{
	printf("%s %s\n", probemod, probefunc);
}
