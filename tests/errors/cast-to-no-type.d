//@ check
BEGIN { x = (something)arg0; }
BEGIN { x = (something)"text"; }
BEGIN
{
	x = (y)
	z = 3;
}
