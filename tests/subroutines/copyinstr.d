//@ run: -q -c 'sh -c "cd /usr/share"'
syscall::chdir:entry
/pid == $target/
{
	printf("%s|%s\n", copyinstr(arg0), copyinstr(arg0, 4));
}
