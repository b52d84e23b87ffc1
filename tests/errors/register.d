//@ check
BEGIN
{
	n = R_SP;
	trace(uregs[n]);
	trace(uregs[1234]);
	trace(uregs);
}
