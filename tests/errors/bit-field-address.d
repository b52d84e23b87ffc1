//@ check
struct f { int a : 3; };
struct f v;
BEGIN { trace(&v.a); exit(0); }
