dtrace:::BEGIN { printf("dtrace:::BEGIN\n"); }
:::BEGIN { printf(":::BEGIN\n"); }
::BEGIN { printf("::BEGIN\n"); exit(0); }
