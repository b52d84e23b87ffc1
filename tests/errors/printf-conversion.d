//@ check
BEGIN { printf("%q\n", 1); exit(0); }
