//@ run: -q -w
/* The processor waits; more than half a second is refused. */
BEGIN { start = timestamp; chill(20000000); }
BEGIN { printf("%d\n", timestamp - start >= 20000000 && timestamp - start < 2000000000); }
BEGIN { chill(600000000); }
ERROR { printf("refused\n"); exit(0); }
