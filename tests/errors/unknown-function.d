//@ check
BEGIN { trace(strlenn("x")); exit(0); }
