//@ build: cc -O1 -DORDER='"overall"' -o $OUT/markers markers.c
//@ run: -q -p "$($OUT/markers 1000 10 >$OUT/log 2>&1 & echo $!)"
/* Markers of this provider in all processes that run now. */
over*:::done
/pid == $target/
{
	printf("%d\n", probeprov == strjoin("overall", lltostr($target)));
	exit(0);
}
