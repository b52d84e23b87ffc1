//@ run: -q -x nspec=0
/* Where there are to be none, none is free. */
BEGIN { a = speculation(); }
BEGIN { speculate(a); printf("never\n"); }
BEGIN { commit(a); }
BEGIN { printf("%d\n", a); exit(0); }
