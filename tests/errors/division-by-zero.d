//@ check
BEGIN { trace(5 / 0); trace(5 % 0); exit(0); }
