//@ check
long char a;
short void b;
unsigned struct task_struct c;
long struct task_struct d;
char int e;
long short f;
unsigned double g;
self this int h;
long long long i;
int;
inline static int j = 1;
int `k;
register l;
