//@ check
BEGIN { else { trace(1); } exit(0); }
