//@ check
BEGIN { trace(execnam); exit(0); }
