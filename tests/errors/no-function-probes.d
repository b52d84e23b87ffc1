//@ check
//@ needs: ! "$STRAND" list fbt::vfs_read: >/dev/null 2>&1
fbt::vfs_read:entry { exit(0); }
