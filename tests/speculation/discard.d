BEGIN
{
	self->s = speculation();
}

BEGIN
{
	speculate(self->s);
	printf("lost\n");
}

BEGIN
{
	discard(self->s);
}

BEGIN
{
	exit(0);
}
