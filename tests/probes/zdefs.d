//@ run: -q -Z
syscall::no_such_call:entry { printf("never\n"); }
BEGIN { printf("runs\n"); exit(0); }
