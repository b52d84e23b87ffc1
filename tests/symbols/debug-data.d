//@ needs: command -v objcopy && command -v xz # there is no objcopy or no xz
//@ build: cc -O1 -o $OUT/names names.c && cd $OUT && objcopy --only-keep-debug names small && rm -f small.xz && xz small && strip names && objcopy --add-section .gnu_debugdata=small.xz names
//@ run: -q -c $OUT/names
/* A stripped program that has its names in a compressed section. */
syscall::write:entry
/pid == $target && (int)arg0 == -1/
{
	usym(arg1);
	printf("\n");
}
