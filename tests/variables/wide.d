//@ run: -q
/* A variable is as wide as what is assigned to it, whatever comes first. */
int declared;

BEGIN
{
	self->start = 0;
	total = 0;
	sizes["a"] = 1;
	small = 'x';
	declared = 0;
}

/* It is so in clauses that come before what makes it wide, too. */
BEGIN
/self->start == 0/
{
	printf("%d %d %d %d %d\n", sizeof (total), sizeof (self->start), sizeof (sizes["a"]),
	    sizeof (small), sizeof (declared));
}

BEGIN
{
	self->start = timestamp;
	this->elapsed = timestamp - self->start;
	total += (uint64_t)5000000000;
	sizes["a"] += 1LL << 40;
	declared += 5000000000;
	cast = (int)0;
	cast += 5000000000;
	printf("%d %d %d %d %d\n", this->elapsed < 1000000000, total, sizes["a"], declared, cast);
	total = -1;
	printf("%d\n", total < 0);
}

/* Keys, too: what is wider isn't taken for another. */
BEGIN
{
	array[0] = 1;
	array[1] = 2;
	array[0x100000001] = 3;
	fixed["a", 1] = 4;
	fixed["a", 0x100000001]++;
	@counted[1] = count();
	@counted[0x100000001] = count();
	printf("%d %d %d %d\n", array[1], array[0x100000001], fixed["a", 1], fixed["a", 0x100000001]);
	exit(0);
}

END { printa("%d %@d\n", @counted); }
