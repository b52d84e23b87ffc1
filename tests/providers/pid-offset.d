//@ needs: test $(uname -m) = x86_64
//@ build: cc -O1 -o $OUT/one one.s
//@ run: -q -c $OUT/one
/* Single instructions, by their distances; a blank name is the function's entry, return and
   all of its instructions. */
pid$target:a.out:three:2
{
	printf("%s:%s\n", probefunc, probename);
}

pid$target:a.out:three:
{
	@[probename] = count();
}
