//@ name: dtrace
//@ run: -w -s
BEGIN { trace(1); system("echo two"); trace(3); exit(0); }
