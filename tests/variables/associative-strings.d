BEGIN
{
	name[1] = "first";
	name[2] = "second";
	printf("%s %s %d\n", name[1], name[2], name[3] == NULL);
	name[1] = name[2];
	printf("%s\n", name[1]);
	name[2] = 0;
	printf("%d\n", name[2] == NULL);
	exit(0);
}
