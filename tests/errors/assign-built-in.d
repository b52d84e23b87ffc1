//@ check
BEGIN { pid = 5; execname = "x"; exit(0); }
