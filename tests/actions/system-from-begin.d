/* What system() starts from BEGIN is traced like everything else. */
//@ run: -q -w
BEGIN
{
	system("exec true strand-system-from-begin");
	printf("begun\n");
}

proc:::exec-success
/ppid == $pid && execname == "true"/
{
	printf("%s\n", execname);
	exit(0);
}
