//@ check
syscall::reed:entry { }
BEGIN { trace(nothing); x = strlen(); }
sdt:sched::sched_swich { }
END { pid = 1; }
