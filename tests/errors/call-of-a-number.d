//@ check
//@ status: 1
BEGIN { @ = tick-1(); }
BEGIN { x[2](3); }
