//@ check
struct out { int a; };
struct in { int b; };
translator struct out { struct in *p } { a = p->b; };
