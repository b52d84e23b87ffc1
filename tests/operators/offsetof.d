BEGIN
{
	printf("%d %d\n", offsetof(struct list_head, next), offsetof(struct list_head, prev));
	exit(0);
}
