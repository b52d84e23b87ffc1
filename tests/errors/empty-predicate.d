//@ check
BEGIN // { exit(0); }
