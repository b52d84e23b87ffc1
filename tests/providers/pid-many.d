//@ build: cc -O1 -o $OUT/user user.c
//@ run: -q -c "$OUT/user 2"
/* One program serves all functions of a file, and knows which of them it is that was called. */
pid$target:user:[aefh]*:entry
{
	@[probefunc, probename] = count();
}
