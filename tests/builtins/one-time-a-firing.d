BEGIN
{
	a = timestamp; for (i = 0; i < 100; i++) n++; printf("%d\n", timestamp == a);
	exit(0);
}
