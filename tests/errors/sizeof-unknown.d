//@ check
BEGIN { trace(sizeof(struct nothing_such)); exit(0); }
