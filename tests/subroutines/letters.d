BEGIN
{
	name = "Sda1-Ext4 [ZFS]";
	printf("%s|%s|%s\n", toupper(name), tolower(name), name);
	printf("%d\n", tolower("WRITE") == "write");
	exit(0);
}
