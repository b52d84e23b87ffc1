int squares[10];

BEGIN
{
	for (i = 0; i < 10; i++)
		squares[i] = i * i;
	printf("%d %d %d\n", squares[0], squares[4], squares[9]);
	exit(0);
}
