//@ check
BEGIN { int = 5; while = 6; exit(0); }
