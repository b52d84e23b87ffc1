//@ check
BEGIN
{
	trace(no_such_module`counter);
	trace((struct no_such_module`state *)arg0);
}
