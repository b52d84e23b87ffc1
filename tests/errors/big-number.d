//@ check
BEGIN { trace(99999999999999999999); exit(0); }
