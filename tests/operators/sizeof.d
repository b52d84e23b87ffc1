BEGIN
{
	x = (int64_t)1;
	printf("%d %d %d %d %d\n", sizeof(char), sizeof(short), sizeof(int), sizeof(long), sizeof(void *));
	printf("%d %d %d\n", sizeof(x), sizeof(int64_t), sizeof x);
	printf("%d\n", sizeof(struct list_head));
	exit(0);
}
