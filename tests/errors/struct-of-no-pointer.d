//@ check
BEGIN { x = 5; trace(x->y); trace(curthread.pid); exit(0); }
