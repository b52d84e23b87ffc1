//@ check
BEGIN { trace(strlen("a", "b")); trace(substr("x")); exit(0); }
