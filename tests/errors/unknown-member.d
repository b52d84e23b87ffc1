//@ check
BEGIN { trace(curthread->com); exit(0); }
