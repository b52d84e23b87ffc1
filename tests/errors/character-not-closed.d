//@ check
BEGIN { trace('a); exit(0); }
