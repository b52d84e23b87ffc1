//@ run: -q -c 'cat /dev/null'
/* No stack has more frames, whatever is asked for. */
#pragma D option maxframes=1
syscall::read:entry
/pid == $target/
{
	ustack(9);
	stack();
	exit(0);
}
