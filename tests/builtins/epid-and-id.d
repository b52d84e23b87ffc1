BEGIN { a = epid; i = id; }
BEGIN { printf("%d %d\n", epid > a, id == i); exit(0); }
