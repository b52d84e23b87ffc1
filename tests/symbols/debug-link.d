//@ needs: command -v objcopy # there is no objcopy
//@ build: cc -O1 -g -o $OUT/names names.c && cd $OUT && objcopy --only-keep-debug names names.debug && strip names && objcopy --add-gnu-debuglink=names.debug names
//@ run: -q -c $OUT/names
/* A stripped program, whose names are in a file beside it. */
syscall::write:entry
/pid == $target && (int)arg0 == -1/
{
	usym(arg1);
	printf("\n");
}
