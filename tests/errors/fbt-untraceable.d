//@ check
//@ needs: "$STRAND" check -e 'fbt::vfs_read:entry {}' && grep -q __mutex_lock.constprop.0 /proc/kallsyms # functions can't be traced, or the kernel has others
/* One says why, the others what to take instead. */
fbt::native_sched_clock:entry,
fbt::__mutex_lock:entry,
fbt:vmlinux:vfs_raed:entry,
fbt::trace_irq_handler_entry:entry,
fbt::vfs_read:leave
{
}
