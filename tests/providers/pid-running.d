//@ build: cc -O1 -o $OUT/user user.c
//@ run: -q -p "$($OUT/user 1000 10 >$OUT/log 2>&1 & echo $!)"
/* A process that runs already, until enough was seen. Another of the same program is none of
   it. */
pid$target::hidden:entry
/pid == $target/
{
	n++;
}

pid$target::hidden:entry
/pid != $target/
{
	printf("another process\n");
}

pid$target::add:return
/n == 20/
{
	printf("20 seen\n");
	exit(0);
}
