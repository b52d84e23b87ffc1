int unset;
string text;

BEGIN
/unset == 0/
{
	printf("%d [%s]\n", unset, text);
	exit(0);
}
