//@ check
BEGIN { x = (sizet)0; exit(0); }
