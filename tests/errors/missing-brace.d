//@ check
BEGIN
{
	trace(1);
