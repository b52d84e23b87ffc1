//@ run: -q -c 'sh -c "echo abcdefghijkl >/dev/null"'
/* Text of a process, so much of it with its NUL; single characters; a copy of it. */
syscall::write:entry
/pid == $target/
{
	n = 5;
	none = 0;
	printf("[%s] [%s] [%s]\n", copyinstr(arg1), copyinstr(arg1, 8), copyinstr(arg1, 100));
	printf("[%s] [%s] [%s]\n", copyinstr(arg1, n), copyinstr(arg1, none), copyinstr(arg1, 0));
	printf("%c%c%d\n", (kept = copyinstr(arg1, 8))[1], copyinstr(arg1)[2],
	    copyinstr(arg1, n)[n]);
	text = (char *)copyinstr(arg1);
	printf("%s %c\n", kept, text[3]);
	exit(0);
}
