//@ build: cc -O1 -DORDER='"named"' -o $OUT/markers markers.c
//@ run: -qw -Z
//@ args: $OUT/markers
/* With -Z and the file named, of processes that start later although none runs it now. */
BEGIN
{
	system("%s 2; :", $$1);
}

named*:$$1::done
{
	printf("%s %s\n", probeprov, probename);
	later++;
}

named*:$$1::start
/later == 2 && arg0 == 7/
{
	exit(0);
}
