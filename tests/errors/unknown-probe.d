//@ check
syscall::reed:entry { exit(0); }
