BEGIN
{
	s = "banana";
	printf("%d %d %d\n", s == "banana", s != "banana", s == "band");
	printf("%d %d %d %d\n", s < "bandana", s > "bandana", s <= "banana", s >= "cherry");
	printf("%d\n", "ab" < "abc");
	exit(0);
}
