BEGIN
{
	this->n = 5; self->total = 0;
	for (i = 0; i < this->n; i++) { a[i] = i * i; self->total += a[i]; }
	printf("%d %d\n", self->total, a[4]);
	exit(0);
}
