//@ check
BEGIN { trace("a" + "b"); trace("a" * 2); exit(0); }
