//@ check
struct bits { int a : 0; int b : -1; int c : 33; char a; };
enum once { one, two, one };
enum wide { big = 2147483648 };
struct function { int call(); };
struct inner_not_there;
struct outer { struct inner_not_there in; };
int rand;
inline int strlen = 5;
BEGIN { x = &y; p = (void *)1; trace(p + 1); p++; }
