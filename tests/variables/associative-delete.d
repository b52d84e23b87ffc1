BEGIN
{
	a["k"] = 7;
	a["k"] = 0;
	printf("%d\n", a["k"]);
	a["k"] += 3;
	printf("%d\n", a["k"]);
	exit(0);
}
