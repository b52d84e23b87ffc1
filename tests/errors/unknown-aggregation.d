//@ check
BEGIN { printa(@calls); exit(0); }
