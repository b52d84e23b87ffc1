BEGIN
{
	i = 0; sum = 0;
	while (i < 10) { i++; if (i == 3) continue; if (i == 8) break; sum += i; }
	printf("%d %d\n", i, sum);
	exit(0);
}
