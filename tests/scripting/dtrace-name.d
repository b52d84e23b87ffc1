//@ name: dtrace
//@ run: -q -s
//@ args: 12
//@ status: 7
BEGIN { printf("called as dtrace %d\n", $1); exit(7); }
