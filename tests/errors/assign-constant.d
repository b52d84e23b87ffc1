//@ check
BEGIN { 5 = 6; exit(0); }
