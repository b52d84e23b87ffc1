BEGIN
{
	printf("%s\n", stringof(curthread->comm) == execname ? "same" : "other");
	printf("%s\n", stringof("abc"));
	exit(0);
}
