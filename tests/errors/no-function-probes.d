//@ check
//@ needs: ! "$STRAND" list fbt::vfs_read: >/dev/null 2>&1 # this kernel has function boundaries
fbt::vfs_read:entry { exit(0); }
