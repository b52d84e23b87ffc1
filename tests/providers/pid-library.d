//@ build: cc -O1 -shared -fPIC -o $OUT/libearly.so pid-library.c
//@ build: cc -O1 -o $OUT/user user.c -Wl,--no-as-needed -L$OUT -learly -Wl,-rpath,$OUT
//@ run: -q -c $OUT/user
/* The command waits until its libraries' functions are traced: none of them has run before. */
pid$target:libearly.so:early:entry
{
	printf("%s %s %d\n", probemod, probefunc, (int)arg0);
}

pid$target:libearly:early:return
{
	printf("%d\n", (int)arg1);
}

pid$target::main:entry
{
	printf("%s\n", probefunc);
}
