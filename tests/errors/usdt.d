//@ build: cc -O1 -o $OUT/markers ../providers/markers.c
//@ run: -c $OUT/markers
//@ args: $OUT/markers
//@ status: 1
/* Markers that aren't there. */
order$target:::strat { }
other$target:::start { }
usdt:$$1:order:strat { }
usdt:/bin/sh:order:start { }
usdt:::start { }
order999999999:::start { }
