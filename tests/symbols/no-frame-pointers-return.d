//@ build: cc -O2 -fomit-frame-pointer -o $OUT/program no-frame-pointers.c
//@ run: -q -x ustackcopy=8k -x stackindent=2 -c $OUT/program
/* The kernel has changed where those return to whose returns are probed. */
pid$target:program:leaf:entry
/n++ == 3/
{
	ustack(8);
}

pid$target:program:compare:return
/!m++/
{
	ustack();
}

pid$target:program:middle:return,
pid$target:program:deep:return,
pid$target:program:sorts:return
{
}
