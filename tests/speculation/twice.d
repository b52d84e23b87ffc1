//@ run: -q -x nspec=3
/* A speculation that is committed twice is given back once. */
BEGIN { a = speculation(); }
BEGIN { speculate(a); printf("kept\n"); }
BEGIN { commit(a); commit(a); discard(a); }
tick-50ms { x = speculation(); y = speculation(); z = speculation(); }
tick-50ms { printf("%d\n", x && y && z && x != y && y != z && z != x); exit(0); }
