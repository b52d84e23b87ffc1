//@ run: 
BEGIN { trace(1); trace("abc"); }
BEGIN { printf("formatted"); exit(0); }
