//@ needs: "$STRAND" list lockstat:::spin-spin >/dev/null 2>&1 # this kernel has no tracepoints of locks
//@ run: -q -c 'sh -c "for i in 1 2 3 4; do (for j in 1 2 3 4 5; do /bin/true; done) & done; wait"'
/* Who waits for a lock waits for some time, but not for longer than this runs. */
BEGIN
{
	begun = timestamp;
}

lockstat:::spin-spin, lockstat:::adaptive-spin, lockstat:::adaptive-block, lockstat:::rw-spin
{
	strange += arg0 == 0 || arg1 == 0 || arg1 > timestamp - begun;
}

END
{
	printf("%d\n", strange);
}
