/* What a clause prints in several places comes out together, at its end. */
BEGIN
{
	n = 3;
	for (i = 0; i < n; i++) {
		printf("[%d", i);
		if (i == 1)
			printf(" one");
		else
			printf(" other");
		printf("] ");
	}
	if (n > 5)
		printf("many");
	if (n == 3)
		printf("three");
	printf("\n");
}
BEGIN
{
	if (n == 1) { printf("no\n"); }
	if (n == 2) { printf("no\n"); }
}
BEGIN
{
	if (n == 3) { printf("a"); }
	if (n < 9) { printf("b"); }
}
BEGIN
{
	printf(" c");
	if (n == 3) { printf("d\n"); }
}
BEGIN
{
	if (n) { printf("lost"); }
	if (n) { trace(*(int *)0); }
}
BEGIN { exit(0); }
