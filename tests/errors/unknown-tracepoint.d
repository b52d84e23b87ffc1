//@ check
sdt:sched::sched_swich { exit(0); }
