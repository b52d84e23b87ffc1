//@ check
BEGIN { trace(strlen(5)); trace(copyinstr("x")); exit(0); }
