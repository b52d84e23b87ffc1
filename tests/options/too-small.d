//@ run: -q -x dynvarsize=10
//@ status: 1
BEGIN { a[1] = 1; exit(0); }
