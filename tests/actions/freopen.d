//@ run: -q -w
/* Output goes to a file and back; the file is emptied on the way. */
BEGIN
{
	system("rm -f /tmp/strand-freopen-test");
	printf("to the terminal\n");
	freopen("/tmp/strand-%s-test", "freopen");
	printf("cut off\n");
	system("echo cut off too");
	ftruncate();
	printf("to the file\n");
	system("echo so does a command");
	freopen("");
	printf("to the terminal again\n");
	system("cat /tmp/strand-freopen-test; rm /tmp/strand-freopen-test");
	freopen("/nowhere/at/all");
	printf("still here\n");
	exit(0);
}
