//@ check
BEGIN
{
	speculate(1);
	copyoutstr("text", 8, 4);
}
