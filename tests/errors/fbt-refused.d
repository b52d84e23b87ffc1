//@ run: -q
//@ status: 1
//@ needs: "$STRAND" check -e 'fbt::vfs_read:entry {}' && grep -q ' native_sched_clock$' /proc/kallsyms # functions can't be traced, or the kernel has others
/* That the kernel refuses a function shows when it is attached. */
BEGIN,
fbt::native_sched_clock:return
{
	trace("not reached");
}
