//@ build: cc -O1 -DORDER='"later"' -o $OUT/markers markers.c
//@ run: -qw -Z -p "$($OUT/markers 1000 10 >$OUT/log 2>&1 & echo $!)"
//@ args: $OUT/markers
/* With -Z, also those of processes that start when tracing has begun. */
BEGIN
{
	started = 0;
}

tick-100ms
/!started/
{
	started = 1;
	system("%s 2; :", $$1);
}

later*:::done
/pid != $target/
{
	printf("%s %s\n", probeprov, probename);
	later++;
}

later*:::start
/later == 2 && arg0 == 7/
{
	exit(0);
}
