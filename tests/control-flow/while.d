BEGIN
{
	i = 0; total = 0;
	while (i < 10) { i++; if (i == 3) continue; if (i == 8) break; total += i; }
	printf("%d %d\n", i, total);
	exit(0);
}
