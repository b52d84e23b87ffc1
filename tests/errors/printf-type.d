//@ check
BEGIN { printf("%d\n", "text"); printf("%s\n", 5); exit(0); }
