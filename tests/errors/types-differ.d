//@ check
BEGIN { x = 1; x = "text"; exit(0); }
