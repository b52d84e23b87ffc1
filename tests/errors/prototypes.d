//@ check
int a(void v);
int b(int, void);
int c(static int);
int d(int x, int x);
int e(int k[int]);
int f[void, int];
int g[...];
