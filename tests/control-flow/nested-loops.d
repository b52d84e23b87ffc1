BEGIN
{
	for (i = 0; i < 3; i++)
		for (this->j = 0; this->j <= i; this->j++)
			printf("%d.%d ", i, this->j);
	printf("\n");
	exit(0);
}
