/* What is over is free at once: one speculation, a thousand times; texts don't mix. */
BEGIN
{
	for (i = 0; i < 1000; i++) {
		s = speculation();
		n += s != 0;
		discard(s);
	}
}

BEGIN { printf("%d\n", n); }
BEGIN { a = speculation(); }
BEGIN { speculate(a); printf("one\n"); }
BEGIN { commit(a); a = speculation(); }
BEGIN { speculate(a); printf("two\n"); }
BEGIN { discard(a); a = speculation(); }
BEGIN { speculate(a); printf("three\n"); }
BEGIN { b = speculation(); commit(a); }
BEGIN { printf("%d %d\n", a, b); exit(0); }
