//@ check
BEGIN { trace(1); commit(1); exit(0); }
