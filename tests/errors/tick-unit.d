//@ check
tick-5parsecs { exit(0); }
