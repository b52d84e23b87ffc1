//@ run: -q
/*
 * What a thread keeps is looked up once, but for what may have made it in between: a thread that
 * has nothing yet reads 0, on whatever way it gets something.
 */
self int a;

BEGIN
{
	printf("%d ", self->a);
	if (pid == 0) { self->a = 1; }
	printf("%d ", self->a);
	if (pid != 0) { self->a = 2; }
	printf("%d ", self->a);
	for (this->i = 0; this->i < 3; this->i++) { self->a += 10; }
	printf("%d\n", self->a);
}

BEGIN
/self->a == 32/
{
	printf("%d ", self->a);
	self->a = 0;
	printf("%d ", self->a);
	self->b = self->a + 7;
	printf("%d\n", self->b);
}

BEGIN
/self->a/
{
	printf("never\n");
}

BEGIN
/self->b == 7/
{
	self->text = "kept";
	printf("%s %d\n", self->text, self->b);
	exit(0);
}
