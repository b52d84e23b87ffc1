/* Memory of the clause's own, its content copied, compared, read and written by parts. */
struct point {
	int x;
	char name[8];
};

BEGIN
{
	p = (struct point *)alloca(sizeof(struct point));
	p->x = 42;
	bcopy("origin", p->name, 7);
	q = (struct point *)alloca(sizeof(struct point));
	bcopy(p, q, sizeof(struct point));
	p->x++;
	printf("%d %d %s %c\n", p->x, q->x, stringof(q->name), q->name[2]);
	bytes = (char *)alloca(4);
	bytes[0] = 'o';
	bytes[1] = 'k';
	bytes[2] = 0;
	printf("%s %d\n", stringof(bytes), strlen(stringof(bytes)));
}

BEGIN
{
	/* Free again with every clause: this is most of it. */
	big = (char *)alloca(4000);
	big[3999] = 1;
	printf("%d\n", big[3999]);
	exit(0);
}
