BEGIN
{
	name[1] = "first";
	name[2] = "second";
	printf("%s %s [%s]\n", name[1], name[2], name[3]);
	name[1] = name[2];
	printf("%s\n", name[1]);
	name[2] = 0;
	printf("[%s]\n", name[2]);
	exit(0);
}
