//@ check
BEGIN { while ("x") trace(1); exit(0); }
