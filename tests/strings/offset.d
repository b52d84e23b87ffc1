self string t;

BEGIN
{
	s = "wait";
	self->t = "stop";
	this->u = "self";
	a[1] = "never";
	printf("%s %s %s %s\n", s + 1, 1 + self->t, this->u + 2, a[1] + 4);
	printf("[%s] [%s] %d\n", s + 4, "constant" + 3, strlen(s + 2));
	exit(0);
}
