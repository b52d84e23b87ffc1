//@ run: -q
/* Text as a key, of every length around 64 characters, where arrays keep it elsewhere. */
string eight, text;
int i;

BEGIN
{
	eight = "12345678";
	text = strjoin(strjoin(strjoin(eight, eight), strjoin(eight, eight)),
	    strjoin(strjoin(eight, eight), strjoin(eight, eight)));
	printf("%d characters\n", strlen(text));

	/* 57 to 68 characters. */
	for (i = 0; i < 12; i++) {
		n[strjoin(substr(text, 11), substr(text, 0, 4 + i))] = i;
		n[strjoin(substr(text, 11), substr(text, 0, 4 + i))] += 100;
		self->n[i, strjoin(substr(text, 11), substr(text, 0, 4 + i))]++;
		s[strjoin(substr(text, 11), substr(text, 0, 4 + i))] = lltostr(i);
	}
	n[strjoin(substr(text, 11), substr(text, 0, 4 + 5))] = 0;
	n[strjoin(substr(text, 11), substr(text, 0, 4 + 11))] = 0;
}

BEGIN
{
	for (i = 0; i < 12; i++) {
		printf("%d: %d %d %s\n", strlen(strjoin(substr(text, 11), substr(text, 0, 4 + i))),
		    n[strjoin(substr(text, 11), substr(text, 0, 4 + i))],
		    self->n[i, strjoin(substr(text, 11), substr(text, 0, 4 + i))],
		    s[strjoin(substr(text, 11), substr(text, 0, 4 + i))]);
	}
	/* What differs behind the 64th character only, and what is never set. */
	n[strjoin(text, "a")] = 1;
	n[strjoin(text, "b")] = 2;
	printf("%d %d %d %d\n", n[strjoin(text, "a")], n[strjoin(text, "b")], n[strjoin(text, "c")],
	    n[strjoin(substr(text, 1), "")]);
	exit(0);
}
