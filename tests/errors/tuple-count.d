//@ check
BEGIN { a[1, 2] = 3; a[1] = 4; exit(0); }
