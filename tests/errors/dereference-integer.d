//@ check
BEGIN { x = 5; trace(*x); exit(0); }
