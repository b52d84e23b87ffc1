//@ name: dtrace
//@ run: -q -s
//@ status: 1
BEGIN { trace(nothing); exit(0); }
