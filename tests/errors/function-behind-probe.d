//@ check
//@ needs: ! "$STRAND" list io:::wait-start >/dev/null 2>&1
io:::wait-start
{
	trace(args[0]->b_bcount);
}
