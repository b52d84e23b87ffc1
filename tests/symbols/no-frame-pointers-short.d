//@ build: cc -O2 -fomit-frame-pointer -o $OUT/program no-frame-pointers.c
//@ run: -q -x ustackcopy=512 -c $OUT/program
/* A copy that is too small: where it ends is said, unless that is where enough frames are. */
syscall::close:entry
/pid == $target && arg0 == 4013/
{
	ustack();
	ustack(3);
}
