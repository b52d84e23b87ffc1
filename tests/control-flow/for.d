BEGIN
{
	for (this->i = 0; this->i < 3; this->i++) {
		printf("%d\n", this->i);
	}
	exit(0);
}
