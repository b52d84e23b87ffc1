//@ needs: unshare -m mount -t tmpfs none /usr/lib/debug # mounts can't be made one's own here
//@ build: cc -O1 -Wl,--build-id -o $OUT/stripped build-id.c && cd $OUT && objcopy --only-keep-debug stripped debug && strip stripped
//@ build: sh build-id.sh $OUT
//@ run: -q -p "$(cat $OUT/pid)"
/* A stripped program, whose names are in the file of its build's id, where the process sees it. */
syscall::close:entry
/pid == $target && arg0 == 4006/
{
	ustack(1);
	exit(0);
}
