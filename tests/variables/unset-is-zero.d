int unset;
string text;

BEGIN
/unset == 0/
{
	printf("%d %d\n", unset, text == NULL);
	exit(0);
}
