//@ check
BEGIN { a[1 = 5; exit(0); }
