//@ check
BEGIN { x = exit(0); }
