//@ check
//@ needs: ! "$STRAND" list io:::wait-start >/dev/null 2>&1 # this kernel has function boundaries
io:::wait-start
{
	trace(args[0]->b_bcount);
}
