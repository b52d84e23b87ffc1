//@ run: -q -x droptags -x nspec=1 -x specsize=32
BEGIN
{
	this->s = speculation();
	speculate(this->s);
	printf("%d %s", 1, "more than fits into a speculation of 32 bytes");
}

BEGIN { commit(1); }
BEGIN { exit(3); }
END { exit(0); }
