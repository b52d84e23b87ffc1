//@ check
BEGIN { trace(1); speculate(speculation()); exit(0); }
