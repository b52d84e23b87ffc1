//@ build: cc -O1 -o $OUT/user user.c
//@ run: -q -c "$OUT/user 3"
/* Entry and return of functions of the command, with arguments and values. */
pid$target:a.out:add:entry
{
	printf("%s %s %s %d %d\n", probemod, probefunc, probename, (int)arg0, arg1);
	mine = probeprov == strjoin("pid", lltostr(pid));
}

pid$target::add:return
{
	printf("%s %s %s = %d\n", probemod, probefunc, probename, (int)arg1);
}

pid$target:user:eight:entry
{
	printf("%d %d %d %d %d %d %d %d\n", arg0, arg1, arg2, arg3, arg4, arg5, arg6, arg7);
}

/* Four nested calls, which return in turn. */
pid$target:us*:fact*:return
{
	printf("factorial %d\n", (int)arg1);
}

pid$target:a.out:hidden:entry
{
	@[copyinstr(arg0)] = count();
}

END
{
	printf("of pid$target: %d\n", mine);
}
