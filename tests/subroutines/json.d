/* What can't be found, or comes after a mistake, is NULL. */
BEGIN
{
	disk = "{\"name\": \"sda\", \"size\":512, \"ro\" : false,\n \"tags\": [\"a\\\"b\", {}, [1, 2 ]], \"q\": {\"depth\":32,\"none\":null}, \"e\": \"\"}";
	printf("%s %s %s\n", json(disk, "name"), json(disk, "size"), json(disk, "ro"));
	printf("%s %s %s\n", json(disk, "tags"), json(disk, "tags[0]"), json(disk, "tags[2]"));
	printf("%s %s %s\n", json(disk, "tags[2][1]"), json(disk, "q.depth"), json(disk, "q"));
	printf("%s [%s]\n", json(disk, "q.none"), json(disk, "e"));
	printf("%d %d %d\n", json(disk, "nam") == NULL, json(disk, "names") == NULL, json(disk, "q.name") == NULL);
	printf("%d %d %d\n", json(disk, "tags[3]") == NULL, json(disk, "size.x") == NULL, json(disk, "tags.x") == NULL);
}

BEGIN
{
	printf("%s %s %s\n", json("[10, -2.5e3]", "[1]"), json("[[[7]]]", "[0][0][0]"), json(" 42", ""));
	printf("%d %d %d\n", json("", "a") == NULL, json("{\"a\" 1}", "a") == NULL, json("[]", "[0]") == NULL);
	printf("%d\n", strtoll(json("{\"pid\":4711}", "pid")) + 1);
	exit(0);
}
