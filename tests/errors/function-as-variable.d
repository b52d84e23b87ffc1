//@ check
BEGIN
{
	rand = 1;
	getmajor[1] = 2;
	count++;
	self->count = 1;
	trace(getminor);
}
