//@ name: dtrace
//@ run: -C -s
//@ status: 1
#define TWICE(x) x x
BEGIN { TWICE(trace(1);) exit(0); }
TWICE(1, 2)
#warning look out
#endif
