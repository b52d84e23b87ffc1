//@ args: 20
tick-$1ms { printf("tick\n"); exit(0); }
