BEGIN
{
	list = "sda,nvme0n1,loop0";
	for (this->i = 0; this->i < 3; this->i++)
		if (this->i == 0)
			printf("%s\n", toupper(strtok(list, ",")));
		else
			printf("%d %s\n", this->i, toupper(strtok(NULL, ",")));
	exit(0);
}
