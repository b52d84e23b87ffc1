//@ run: -q -c 'sh -c "cd /usr/share; exec 5</etc/passwd 6</proc/self/mounts; read line <&5; exit 0"'
/* Paths of open files, through mounts, and of the working directory. */
syscall::exit_group:entry
/pid == $target/
{
	printf("%s in %s\n", fds[5].fi_name, fds[5].fi_dirname);
	printf("%s %d\n", fds[5].fi_pathname, fds[0].fi_offset);
	printf("%s in %s on %s\n", fds[6].fi_name, fds[6].fi_fs, fds[6].fi_mount);
	printf("%s\n", substr(fds[6].fi_pathname, 0, 6));
	printf("%d %d\n", fds[5].fi_oflags & O_ACCMODE, fds[5].fi_offset > 0);
	printf("%s %s %d\n", fds[77].fi_name, fds[77].fi_pathname, fds[77].fi_oflags);
	printf("%s %s %s\n", cwd, root, d_path(&curthread->fs->pwd));
	exit(0);
}
