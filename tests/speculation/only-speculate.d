//@ name: dtrace
//@ run: -x nspec=2 -s
BEGIN { spec = speculation(); x = 1; }
BEGIN { gone = speculation(); x = 1; }
BEGIN { speculate(spec); }
BEGIN { speculate(gone); }
BEGIN { commit(spec); }
BEGIN { discard(gone); }
BEGIN { exit(0); }
