//@ check
BEGIN { clear(5); trunc("x"); exit(0); }
