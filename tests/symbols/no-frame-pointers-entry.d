//@ build: cc -O2 -fomit-frame-pointer -o $OUT/program no-frame-pointers.c
//@ run: -q -x ustackcopy=8k -c $OUT/program
/* A function's entry, where its frame isn't made yet. */
#pragma D option stackindent=2

pid$target:program:compare:entry
/!n++/
{
	ustack();
}

pid$target:program:aligned:entry
{
	ustack(2);
	exit(0);
}
