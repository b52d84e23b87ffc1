//@ needs: unshare -m true # mounts can't be made one's own here
//@ build: cc -O1 -o $OUT/user user.c && sh container.sh $OUT
//@ run: -q -p "$(cat $OUT/pid)"
/* A process with mounts of its own, where its program is and we have nothing: by what it is and by
   its path there. */
pid$target:a.out:add:entry
{
	n++;
}

pid$target:/run/inside:hidden:return
/n >= 20/
{
	printf("%s %s %c\n", probemod, probefunc, (char)arg1);
	ustack(1);
	exit(0);
}
