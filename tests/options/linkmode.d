//@ run: -q -x linkmode=dynamic
//@ status: 1
BEGIN { trace((uint64_t)&`vfs_read); exit(0); }
