//@ run: -q -c 'sh -c ": | cat"'
syscall::read:entry
/execname == "cat" && ppid == $target && arg0 == 0/
{
	printf("%s: %s\n", fds[arg0].fi_fs, fds[arg0].fi_pathname);
	exit(0);
}
