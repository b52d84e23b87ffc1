/* Only ids that `speculation()` can give are committed; 0 is none. */
BEGIN { printf("begins\n"); }
BEGIN { commit(0); discard(0); x = 1; }
BEGIN /x/ { printf("0 is fine\n"); x = 0; }
BEGIN { commit(2); x = 2; }
BEGIN { discard(-1); x = 3; }
ERROR { printf("fault %d\n", arg4); }
BEGIN { printf("%d\n", x); exit(0); }
