BEGIN { printf("first\n"); }
BEGIN { printf("second\n"); }
BEGIN { printf("third\n"); exit(0); }
BEGIN { printf("after exit(): never\n"); }
END { printf("end\n"); }
